import { setTimeout as sleep } from 'node:timers/promises'
import { CallError, type Client } from './client.ts'
import type { Arrival, Receivers } from './receivers.ts'
import type { Destinations, PlannedEvent } from './scenario.ts'

/** An event that was answered with 202, or with 200 for a post that was sent again. Times are Unix ms. */
export interface AcceptedEvent extends PlannedEvent {
  /** When it was sent for the first time. */
  sentAt: number
  acceptedAt: number
  /** `confirmed`: a worker has answered that it counts. `at`: when it was answered. */
  acknowledged?: { confirmed: boolean; at: number }
  /** It was replayed to the receiver that had got it. */
  replayedTo?: string | undefined
}

export interface Load {
  accepted: AcceptedEvent[]
  /** How often each status was answered to a post; `lost` counts connections. */
  answers: Map<number | 'lost', number>
  /** The longest time until a 503, in ms. */
  slowestRefusalMs: number
}

interface LoadOptions {
  client: Client
  receivers: Receivers
  destinations: Destinations
  events: PlannedEvent[]
  ratePerSecond: number
  onAccepted: (count: number) => void
}

const maxOutstanding = 200
/** Every so many plain events is replayed once it has arrived. */
const replayEvery = 25

/** Posts the events at a fixed rate and does not wait for what becomes of them. Each is sent again until it is accepted. */
export async function applyLoad(options: LoadOptions): Promise<Load> {
  const { client, events, ratePerSecond, onAccepted } = options
  const load: Load = { accepted: [], answers: new Map(), slowestRefusalMs: 0 }
  const outstanding = new Set<Promise<void>>()
  const startedAt = performance.now()
  const replays = replayArrivals(options)

  async function post(event: PlannedEvent): Promise<void> {
    const sentAt = Date.now()
    const data = { customerId: event.key, reference: event.id, riskLevel: 'high' }
    await client.call(
      'POST',
      '/events',
      { id: event.id, type: event.type, data },
      {
        onTry(status, tookMs) {
          load.answers.set(status, (load.answers.get(status) ?? 0) + 1)
          if (status === 503) load.slowestRefusalMs = Math.max(load.slowestRefusalMs, tookMs)
        },
      },
    )
    const accepted: AcceptedEvent = { ...event, sentAt, acceptedAt: Date.now() }
    load.accepted.push(accepted)
    onAccepted(load.accepted.length)
    if (event.kind === 'acknowledged') await acknowledge(client, accepted)
  }

  for (const [index, event] of events.entries()) {
    const dueMs = (index / ratePerSecond) * 1000 - (performance.now() - startedAt)
    if (dueMs > 0) await sleep(dueMs)
    while (outstanding.size >= maxOutstanding) await Promise.race(outstanding)
    const posting: Promise<void> = post(event).finally(() => outstanding.delete(posting))
    outstanding.add(posting)
  }
  await Promise.all(outstanding)
  const replayedTo = await replays.stop()
  for (const event of load.accepted) event.replayedTo = replayedTo.get(event.id)
  return load
}

async function acknowledge(client: Client, event: AcceptedEvent): Promise<void> {
  const answers: (number | 'lost')[] = []
  const onTry = (status: number | 'lost') => void answers.push(status)
  try {
    const path = `/events/${event.id}/ack`
    const { first } = await client.call<{ first?: boolean }>('POST', path, { by: 'Ada' }, { onTry })
    event.acknowledged = { confirmed: answers.at(-1) === 200 && first !== undefined, at: Date.now() }
  } catch (error) {
    // Nobody waits for it any more: it was escalated before.
    if (!(error instanceof CallError) || error.status !== 409) throw error
    event.acknowledged = { confirmed: false, at: Date.now() }
  }
}

/** Replays some plain events to where they have arrived. The answer to their post may still be outstanding, or lost. */
function replayArrivals({ client, receivers, destinations }: LoadOptions) {
  const running = new Set<Promise<void>>()
  /** Receivers by the event's id. */
  const replayed = new Map<string, string>()
  let stopped = false
  let seen = 0

  async function replay({ eventId, receiver }: Arrival): Promise<void> {
    const body = { destinations: [destinations[receiver]] }
    const headers = { 'idempotency-key': `replay-${eventId}` }
    await client.call('POST', `/events/${eventId}/replay`, body, { headers })
  }

  receivers.onArrival((arrival) => {
    if (stopped || arrival.receiver !== 'plain' || !arrival.accepted || replayed.has(arrival.eventId)) return
    if (seen++ % replayEvery !== 0) return
    replayed.set(arrival.eventId, arrival.receiver)
    // The answer to this very arrival comes first: nothing can be replayed before its delivery has ended.
    const replaying: Promise<void> = sleep(1_000)
      .then(() => replay(arrival))
      .finally(() => running.delete(replaying))
    running.add(replaying)
  })
  return {
    /** Returns where events were replayed to, by their ids. */
    async stop() {
      stopped = true
      await Promise.all(running)
      return replayed
    },
  }
}
