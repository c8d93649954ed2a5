import type { EventLog } from './client.ts'
import type { DemoEvent } from './events.ts'
import type { Destination } from './places.ts'

/** An event, and what became of it. */
export interface Told {
  event: DemoEvent
  id: string
  postedAt: number
  log: EventLog
  /** What the second post was answered, where there was one. */
  duplicate?: boolean
}

/** Everything that is not as it should be, one line each. */
export function findFaults(told: readonly Told[], destinations: readonly Destination[]): string[] {
  return told.flatMap((item) => [
    ...(item.event.postTwice && !item.duplicate
      ? [`${item.event.type}: its second post was not recognised as a duplicate`]
      : []),
    ...destinations
      .map((destination) => faultAt(item, destination))
      .flatMap((fault, at) => (fault ? [`${item.event.type} → ${destinations[at]?.name}: ${fault}`] : [])),
  ])
}

function faultAt(
  { event, id, log }: Told,
  { name, id: destinationId, receiver }: Destination,
): string | undefined {
  const expected = event.arrives[name]
  const delivery = log.deliveries.find((candidate) => candidate.destinationId === destinationId)
  const seen = receiver.sightingsOf(id)
  if (expected === undefined)
    return delivery || seen.length > 0 ? 'it should not have been sent there' : undefined
  if (!delivery) return 'it was not sent there'
  const spoiled = seen.find(({ ok }) => !ok)
  if (spoiled) return spoiled.text
  const made = delivery.attempts.length
  if (delivery.status === 'pending') return `still pending when the time was up, after ${made} attempt(s)`
  if (delivery.status !== 'delivered') return [delivery.status, delivery.reason].filter(Boolean).join(': ')
  if (made !== expected || seen.length !== expected) {
    return `${expected} attempt(s) expected, ${made} in the log, ${seen.length} seen by the receiver`
  }
  return undefined
}
