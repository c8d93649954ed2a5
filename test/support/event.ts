import type { Event } from '../../src/domain/event.ts'

/** An event as the API accepts it, for tests that need one. */
export function makeEvent(fields: Partial<Event> = {}): Event {
  return {
    id: 'evt_01jd6x7m2v8q',
    tenantId: 'ten_acme',
    environment: 'sandbox',
    type: 'aml.match.found',
    data: { customer: { name: 'Zoë Ångström' }, riskLevel: 'high' },
    createdAt: '2026-11-21T11:28:12.345Z',
    ...fields,
  }
}
