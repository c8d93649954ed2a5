import { ofDestinations, type RuleDecision } from './routing/plan.ts'
import { isOpen, type Delivery, type DeliveryStatus } from './delivery/timeline.ts'

/**
 * The deliveries that a bulk replay repeats: failed ones; ones that a destination missed while it was not active; both; or all of
 * ended events.
 */
export const replayStatuses = ['failed', 'missed', 'undelivered', 'all'] as const
export type ReplayStatus = (typeof replayStatuses)[number]

/** The source of the events: Temporal, or the archive, which outlives it. */
export const replaySources = ['log', 'archive'] as const
type ReplaySource = (typeof replaySources)[number]

/** The events of a replay. Times are ISO 8601: events accepted from `from` on and before `to`. */
export interface ReplayFilter {
  from: string
  to: string
  destination?: string
  status: ReplayStatus
  /** Exact, or the beginning of types with a `*` after it. */
  type?: string
  source: ReplaySource
  /** Routes the events again by today's rules and subscriptions, instead of to their original destinations. */
  rules?: 'today'
}

/**
 * Why a found event is not replayed: a later replay delivered it; a later one is in progress; it has expired; Temporal deleted
 * its history meanwhile; it was erased; the archive holds it only in redacted form, which must not be sent in its place; no
 * worker could tell who missed it; Temporal refuses to start it.
 */
export const skipReasons = [
  'already_delivered',
  'replay_running',
  'expired',
  'forgotten',
  'erased',
  'redacted',
  'log_unreadable',
  'not_startable',
] as const
export type SkipReason = (typeof skipReasons)[number]

/** True if an event matches the filter by its unchanging properties. */
export function isAsked(
  { from, to, type }: ReplayFilter,
  event: { eventType: string; createdAt: string; test?: true },
): boolean {
  if (event.test) return false
  const acceptedAt = Date.parse(event.createdAt)
  if (acceptedAt < Date.parse(from) || acceptedAt >= Date.parse(to)) return false
  if (type === undefined) return true
  return type.endsWith('*') ? event.eventType.startsWith(type.slice(0, -1)) : event.eventType === type
}

type Routed = Pick<Delivery, 'destinationId' | 'missed'> | RuleDecision
type Made = Pick<Delivery, 'destinationId' | 'missed'> & { status: DeliveryStatus }

/** The destinations that a replay of an event goes to, by its log. What still waits is left to its run. */
export function destinationsToReplay(
  { status, destination }: ReplayFilter,
  log: { deliveries: readonly Made[]; routing: readonly Routed[] },
): string[] {
  const ended = log.deliveries.filter((one) => !isOpen(one))
  const failed = ended.filter(({ status }) => status === 'failed')
  const missed = [...ended, ...ofDestinations(log.routing)].filter((one) => one.missed)
  const asked = {
    failed,
    missed,
    undelivered: [...failed, ...missed],
    // Without a destination, missed deliveries are replayed only on request.
    all: destination === undefined ? ended : [...ended, ...missed],
  }
  const ids = new Set(asked[status].map(({ destinationId }) => destinationId))
  return [...ids].filter((id) => id === (destination ?? id))
}

/** The results of an event's later runs. */
export interface LaterRuns {
  delivered: ReadonlySet<string>
  /** Destinations of unfinished runs; `all` if they are not known yet. */
  pending: ReadonlySet<string> | 'all'
}

/**
 * The destinations left to replay after later runs of the same event. Without destinations, the event is routed again, entirely
 * or not at all. `all` repeats delivered ones, but not those in progress.
 */
export function stillToReplay(
  status: ReplayStatus,
  destinations: readonly string[] | undefined,
  { delivered, pending }: LaterRuns,
): { destinations?: string[] } | { skipped: SkipReason } {
  if (destinations === undefined) {
    if (pending === 'all' || pending.size > 0) return { skipped: 'replay_running' }
    return status !== 'all' && delivered.size > 0 ? { skipped: 'already_delivered' } : {}
  }
  const free = destinations.filter((id) => pending !== 'all' && !pending.has(id))
  const left = free.filter((id) => status === 'all' || !delivered.has(id))
  if (left.length > 0) return { destinations: left }
  return { skipped: free.length < destinations.length ? 'replay_running' : 'already_delivered' }
}
