import fc from 'fast-check'
import type { Client } from './client.ts'
import type { Receivers } from './receivers.ts'

/** What happens to an event of a kind; one event type each. */
const kinds = [
  'plain',
  'fanout',
  'ordered',
  'paced',
  'fallback',
  'escalated',
  'acknowledged',
  'delayed',
  'digested',
] as const
export type Kind = (typeof kinds)[number]

/** Of a hundred events. */
const shares: Record<Kind, number> = {
  plain: 40,
  fanout: 12,
  ordered: 12,
  paced: 8,
  fallback: 6,
  escalated: 4,
  acknowledged: 4,
  delayed: 6,
  digested: 8,
}

export const ackWithinMs = 15_000
export const delayMs = 10_000
const digestWindowMs = 10_000
const pacedPerSecond = 20
/** The fallback's destination fails this long before its backup gets the event. Attempts and lateness come on top. */
export const brokenScheduleMs = 2_000
/** No attempt of a webhook takes longer. */
export const timeoutMs = 3_000
const orderingKeys = 20
const digestKeys = 5

/** Seven minutes: longer than any fault lasts, with the circuit's waits. */
const patient = [
  '0s',
  '1s',
  '2s',
  '3s',
  '5s',
  '5s',
  '10s',
  '10s',
  '15s',
  '20s',
  '30s',
  '60s',
  '60s',
  '60s',
  '60s',
  '60s',
]

export interface PlannedEvent {
  id: string
  kind: Kind
  type: string
  /** `customerId` in its data: what ordering and digests go by. */
  key: string
}

/** Draws the events of a run. */
export function drawEvents(seed: number, count: number): PlannedEvent[] {
  const arbitrary = fc.record({
    kind: fc.oneof(...kinds.map((kind) => ({ arbitrary: fc.constant(kind), weight: shares[kind] }))),
    number: fc.integer({ min: 0, max: 9_999 }),
  })
  return fc.sample(arbitrary, { seed, numRuns: count }).map(({ kind, number }, index) => ({
    id: `chaos-${index}`,
    kind,
    type: `chaos.${kind}`,
    key: `customer-${number % (kind === 'digested' ? digestKeys : orderingKeys)}`,
  }))
}

/** Which receivers get an event of this kind whatever happens; the rest is the model's. */
export const receiversOf: Record<Kind, readonly string[]> = {
  plain: ['plain'],
  fanout: ['fanout', 'mail', 'slack'],
  ordered: ['ordered'],
  paced: ['paced'],
  fallback: ['broken', 'backup'],
  escalated: ['oncall', 'head'],
  acknowledged: ['oncall'],
  delayed: ['delayed'],
  digested: ['digests'],
}

/** Ids of destinations, by the receiver's name. */
export type Destinations = Record<string, string>

/** Creates the destinations and rules. */
export async function makeScenario(client: Client, receivers: Receivers): Promise<Destinations> {
  const destinations: Destinations = {}
  async function destination(name: string, given: object): Promise<void> {
    const body = { name, subscription: { eventTypes: ['only.rules'] }, ...given }
    destinations[name] = (await client.call<{ id: string }>('POST', '/destinations', body)).id
  }
  const webhook = (name: string, delivery: object = {}) => ({
    channel: 'webhook',
    config: { url: receivers.url(name) },
    delivery: { schedule: patient, timeoutMs, ...delivery },
  })
  const subscribed = (...subscribers: Kind[]) => ({
    subscription: { eventTypes: subscribers.map((kind) => `chaos.${kind}`) },
  })
  await destination('plain', { ...webhook('plain'), ...subscribed('plain') })
  await destination('fanout', { ...webhook('fanout'), ...subscribed('fanout') })
  await destination('mail', {
    channel: 'email',
    config: { to: ['compliance@example.com'] },
    delivery: { schedule: patient },
    ...subscribed('fanout'),
  })
  await destination('slack', {
    channel: 'slack',
    config: { webhookUrl: receivers.url('slack') },
    delivery: { schedule: patient, timeoutMs, maxPerSecond: 20 },
    ...subscribed('fanout'),
  })
  await destination('ordered', {
    ...webhook('ordered', { ordering: { by: 'data.customerId' } }),
    ...subscribed('ordered'),
  })
  await destination('paced', {
    ...webhook('paced', { maxPerSecond: pacedPerSecond }),
    ...subscribed('paced'),
  })
  await destination('broken', webhook('broken', { schedule: ['0s', `${brokenScheduleMs / 1000}s`] }))
  for (const name of ['backup', 'oncall', 'head', 'delayed', 'digests'])
    await destination(name, webhook(name))

  const to = (name: string) => ({ to: [destinations[name]] })
  async function rule(kinds: Kind[], definition: object): Promise<void> {
    const when = { events: kinds.map((kind) => `chaos.${kind}`) }
    await client.call('POST', '/rules', { name: kinds.join(' '), when, ...definition })
  }
  await rule(['fallback'], {
    steps: [{ deliver: { ...to('broken'), onFailure: [{ deliver: to('backup') }] } }],
  })
  await rule(['escalated', 'acknowledged'], {
    steps: [
      { deliver: to('oncall') },
      { awaitAck: { within: `${ackWithinMs / 1000}s`, otherwise: [{ deliver: to('head') }] } },
    ],
  })
  await rule(['delayed'], { steps: [{ delay: `${delayMs / 1000}s` }, { deliver: to('delayed') }] })
  await rule(['digested'], {
    digest: { window: `${digestWindowMs / 1000}s`, by: 'data.customerId', max: 20 },
    steps: [{ deliver: to('digests') }],
  })
  receivers.misbehave('broken', 'error')
  return destinations
}
