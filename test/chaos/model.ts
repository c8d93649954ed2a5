import type { AcceptedEvent } from './load.ts'
import type { Arrival } from './receivers.ts'
import { ackWithinMs, brokenScheduleMs, delayMs, receiversOf } from './scenario.ts'

/**
 * What must, may and must not arrive, from the accepted events alone: nothing of the product is used. Times are Unix ms.
 */
interface Expectation {
  eventId: string
  receiver: string
  /** How often a receiver must accept it, and how often it may without a fault. */
  min: number
  max: number
  notBefore: number
  /** By when something is due that a rule promises; lateness is reported. */
  dueAt?: number
}

/** The receiver that answers nothing but 500. Its events are replayed at the end, once it works, and are counted there. */
export const brokenReceiver = 'broken'

function expectArrivals(event: AcceptedEvent): Expectation[] {
  return receiversOf[event.kind].map((receiver) => {
    const expected = { eventId: event.id, receiver, min: 1, max: 1, notBefore: event.sentAt }
    // An open circuit may let the schedule end without an attempt.
    if (receiver === brokenReceiver) return { ...expected, min: 0 }
    if (receiver === 'head') return expectEscalation(event, expected)
    if (receiver === 'backup')
      return {
        ...expected,
        // The schedule's delay is drawn, ±20 %.
        notBefore: event.sentAt + brokenScheduleMs * 0.8,
        dueAt: event.acceptedAt + brokenScheduleMs * 1.2,
      }
    if (receiver === 'delayed')
      return { ...expected, notBefore: event.sentAt + delayMs, dueAt: event.acceptedAt + delayMs }
    if (event.replayedTo === receiver) return { ...expected, min: 2, max: 2 }
    return expected
  })
}

function expectEscalation(event: AcceptedEvent, expected: Expectation): Expectation {
  return { ...expected, notBefore: event.sentAt + ackWithinMs, dueAt: event.acceptedAt + ackWithinMs }
}

/** An acknowledgement that arrived in time must stop the escalation; one that may have been late may. */
function mayEscalate({ kind, acknowledged, sentAt }: AcceptedEvent): boolean {
  if (kind === 'escalated') return true
  if (kind !== 'acknowledged') return false
  return !(acknowledged?.confirmed && acknowledged.at < sentAt + ackWithinMs)
}

export interface Duplicate {
  arrival: Arrival
  /** The accepted arrival that it repeats. */
  first: Arrival
}

export interface Verdict {
  expected: number
  lost: Expectation[]
  early: { expectation: Expectation; arrival: Arrival }[]
  duplicates: Duplicate[]
  /** Arrivals that nothing accounts for. */
  unexpected: Arrival[]
  /** Pairs of events of one key that an ordered destination got the wrong way round. */
  orderViolations: { first: string; second: string }[]
  /** How long after their time the promises of rules were kept, in ms. */
  latenessMs: number[]
  digests: { number: number; missing: string[]; twice: string[] }
}

/** Compares what arrived with what was expected. */
export function judge(events: AcceptedEvent[], arrivals: Arrival[]): Verdict {
  const verdict: Verdict = {
    expected: 0,
    lost: [],
    early: [],
    duplicates: [],
    unexpected: [],
    orderViolations: findOrderViolations(events, arrivals),
    latenessMs: [],
    digests: judgeDigests(events, arrivals),
  }
  const groups = groupBy(
    arrivals.filter(({ digested }) => digested === undefined),
    ({ eventId, receiver }) => groupKey(eventId, receiver),
  )
  for (const event of events)
    for (const expectation of expectArrivals(event)) {
      if (expectation.receiver === 'digests') continue
      const key = groupKey(expectation.eventId, expectation.receiver)
      judgeGroup(verdict, expectation, groups.get(key) ?? [])
      groups.delete(key)
    }
  const possible = new Set(events.filter(mayEscalate).map(({ id }) => groupKey(id, 'head')))
  for (const [key, group] of groups) {
    if (!possible.has(key)) verdict.unexpected.push(...group)
    else verdict.duplicates.push(...findDuplicates(group, 1))
  }
  verdict.duplicates.push(...findDigestDuplicates(arrivals))
  return verdict
}

function judgeGroup(verdict: Verdict, expectation: Expectation, group: Arrival[]): void {
  verdict.expected += expectation.min
  const [earliest] = group
  if (earliest && earliest.at < expectation.notBefore) verdict.early.push({ expectation, arrival: earliest })
  const accepted = group.filter((arrival) => arrival.accepted)
  if (accepted.length < expectation.min) verdict.lost.push(expectation)
  if (expectation.dueAt !== undefined && accepted[0])
    verdict.latenessMs.push(accepted[0].at - expectation.dueAt)
  verdict.duplicates.push(...findDuplicates(group, expectation.max))
}

/** Accepted arrivals beyond the number that is expected. */
function findDuplicates(group: Arrival[], max: number): Duplicate[] {
  const accepted = group.filter((arrival) => arrival.accepted)
  return accepted
    .slice(max)
    .map((arrival, index) => ({ arrival, first: accepted[max - 1 + index] ?? arrival }))
}

function findDigestDuplicates(arrivals: Arrival[]): Duplicate[] {
  const digests = arrivals.filter(({ digested, accepted }) => digested !== undefined && accepted)
  return [...groupBy(digests, ({ eventId }) => eventId).values()].flatMap((group) => findDuplicates(group, 1))
}

function judgeDigests(events: AcceptedEvent[], arrivals: Arrival[]): Verdict['digests'] {
  const contents = new Map<string, string[]>()
  for (const { eventId, digested, accepted } of arrivals)
    if (digested && accepted) contents.set(eventId, digested)
  const told = [...contents.values()].flat()
  const seen = new Set(told)
  return {
    number: contents.size,
    missing: events.filter(({ kind, id }) => kind === 'digested' && !seen.has(id)).map(({ id }) => id),
    twice: told.filter((id, index) => told.indexOf(id) !== index),
  }
}

/** Events of one key must be accepted by the receiver in the order in which their posts were answered. */
function findOrderViolations(events: AcceptedEvent[], arrivals: Arrival[]): Verdict['orderViolations'] {
  const arrivedAt = new Map<string, number>()
  for (const { receiver, eventId, accepted, at } of arrivals)
    if (receiver === 'ordered' && accepted && !arrivedAt.has(eventId)) arrivedAt.set(eventId, at)
  const ordered = events.filter(({ kind, id }) => kind === 'ordered' && arrivedAt.has(id))
  return [...groupBy(ordered, ({ key }) => key).values()].flatMap((queue) =>
    queue.flatMap((first) =>
      queue
        // Posts that overlapped have no order.
        .filter((second) => first.acceptedAt < second.sentAt)
        .filter((second) => (arrivedAt.get(first.id) ?? 0) > (arrivedAt.get(second.id) ?? 0))
        .map((second) => ({ first: first.id, second: second.id })),
    ),
  )
}

function groupKey(eventId: string, receiver: string): string {
  return `${receiver} ${eventId}`
}

export function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}
