import type { Event, JsonObject } from '../../src/domain/event.ts'

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

/** The data of a digest of so many events, a minute apart. */
export function digestData(count: number, name = 'Zoë', type = 'aml.match.found'): JsonObject {
  const at = (minute: number) => new Date(Date.UTC(2026, 10, 21, 11, minute)).toISOString()
  return {
    rule: { id: 'rul_1', name: '<High risk>' },
    by: 'data.customerId',
    key: 'cus_17',
    count,
    from: at(0),
    to: at(count),
    types: { [type]: count },
    events: Array.from({ length: count }, (_, n) => ({
      id: `evt_${n}`,
      type,
      createdAt: at(n),
      data: { name: `${name} ${n} <!here>`, riskLevel: 'high', country: 'DE', score: n, note: '' },
    })),
  }
}

/** Subscribes to all that happens, and not to what is told of deliveries that fail: tests that count would count that, too. */
export const allButNews = {
  eventTypes: ['all'],
  filter: { type: { $nin: ['delivery.failing', 'delivery.exhausted'] } },
}
