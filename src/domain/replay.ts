import { ofDestinations, type RuleDecision } from './routing/plan.ts'
import { isOpen, type Delivery, type DeliveryStatus } from './delivery/timeline.ts'

/**
 * Which deliveries a replay of many events makes again: those given up; those that a destination would have got, had it been
 * active; either of them; or all of events that have ended.
 */
export const replayStatuses = ['failed', 'missed', 'undelivered', 'all'] as const
export type ReplayStatus = (typeof replayStatuses)[number]

/** Where events are looked for: in Temporal, or in the archive that outlives it. */
export const replaySources = ['log', 'archive'] as const
type ReplaySource = (typeof replaySources)[number]

/** Which events a replay is of. Times are ISO 8601: events accepted from `from` on and before `to`. */
export interface ReplayFilter {
  from: string
  to: string
  destination?: string
  status: ReplayStatus
  /** Exact, or the beginning of types with a `*` after it. */
  type?: string
  source: ReplaySource
  /** They are routed anew, by today's rules and subscriptions, instead of going where they went. */
  rules?: 'today'
}

/**
 * Why an event that was found is not replayed: a later replay has delivered it; one is still at it; it has expired; its
 * history was forgotten in the meantime; what it held was erased; the archive keeps it without what is redacted, and that must
 * not be sent in its place; no worker could say who missed it; Temporal refuses to start it.
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

/** Whether an event is one of those asked for, by what does not change about it. */
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
    // Without a destination, what was missed is left to those who ask for it.
    all: destination === undefined ? ended : [...ended, ...missed],
  }
  const ids = new Set(asked[status].map(({ destinationId }) => destinationId))
  return [...ids].filter((id) => id === (destination ?? id))
}

/** What later runs of an event have come to already. */
export interface LaterRuns {
  delivered: ReadonlySet<string>
  /** Destinations of runs that are not over; `all` where it is not known yet which those are. */
  pending: ReadonlySet<string> | 'all'
}

/**
 * What is left of a replay beside later runs of the same event; without destinations it goes by routing, whole or not at
 * all. Whoever asks for `all` wants it again, whoever has it already; but not twice at once.
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
