import pMap from 'p-map'
import type { Client } from './client.ts'
import type { AcceptedEvent } from './load.ts'
import { brokenReceiver, groupBy } from './model.ts'
import type { Arrival } from './receivers.ts'
import type { Destinations } from './scenario.ts'

interface LoggedDelivery {
  destinationId: string
  status: string
  attempts: { outcome: string; responseCode?: number }[]
}

interface LoggedRun {
  status: string
  deliveries: LoggedDelivery[]
}

interface EventLog extends LoggedRun {
  replays?: LoggedRun[]
}

export interface LogCheck {
  /** Where the log says something else than the receivers saw. */
  contradictions: string[]
  /** Arrivals that no attempt in the log accounts for, by event. */
  unrecorded: { eventId: string; receiver: string; count: number }[]
}

/** Compares each event's log with what the receivers saw. */
export async function checkLogs(
  client: Client,
  events: AcceptedEvent[],
  arrivals: Arrival[],
  destinations: Destinations,
): Promise<LogCheck> {
  const check: LogCheck = { contradictions: [], unrecorded: [] }
  const receiverOf = new Map(Object.entries(destinations).map(([name, id]) => [id, name]))
  const seen = groupBy(arrivals, ({ eventId }) => eventId)
  await pMap(
    events,
    async ({ id }) => {
      const log = await client.call<EventLog>('GET', `/events/${id}`)
      compare(check, id, log, seen.get(id) ?? [], receiverOf)
    },
    { concurrency: 6 },
  )
  return check
}

function compare(
  check: LogCheck,
  eventId: string,
  log: EventLog,
  arrivals: Arrival[],
  receiverOf: Map<string, string>,
): void {
  const runs = [log, ...(log.replays ?? [])]
  for (const { status } of runs)
    if (status === 'pending') check.contradictions.push(`${eventId}: still pending`)
  const deliveries = groupBy(
    runs.flatMap((run) => run.deliveries),
    ({ destinationId }) => receiverOf.get(destinationId) ?? destinationId,
  )
  for (const receiver of new Set([...deliveries.keys(), ...arrivals.map((arrival) => arrival.receiver)])) {
    const logged = deliveries.get(receiver) ?? []
    const received = arrivals.filter((arrival) => arrival.receiver === receiver)
    const attempts = logged.flatMap((delivery) => delivery.attempts)
    const answered = attempts.filter(({ responseCode }) => responseCode !== undefined)
    const delivered = logged.some(({ status }) => status === 'delivered')
    const accepted = received.some((arrival) => arrival.accepted)
    const where = `${eventId} at ${receiver}`
    if (delivered && !accepted) check.contradictions.push(`${where}: logged as delivered, but never accepted`)
    if (accepted && !delivered && receiver !== brokenReceiver)
      check.contradictions.push(
        `${where}: accepted, but logged as ${logged.map(({ status }) => status).join(', ')}`,
      )
    if (answered.length > received.length)
      check.contradictions.push(`${where}: ${answered.length} answered attempts, ${received.length} arrivals`)
    // A request whose kept connection is closed before an answer is sent once more: docs/operations/egress.md.
    const sentOnceMore = received.filter(({ how }) => how === 'reset' || how === 'cut').length
    const unrecorded = received.length - attempts.length
    if (unrecorded > sentOnceMore) check.unrecorded.push({ eventId, receiver, count: unrecorded })
  }
}
