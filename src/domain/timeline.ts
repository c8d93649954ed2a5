import type { Attempt, AttemptResult } from './outcome.ts'
import type { Plan, PlannedDelivery, RoutingDecision } from './routing.ts'

export type DeliveryStatus = 'pending' | 'delivered' | 'failed' | 'skipped' | 'held'
export const eventStatuses = ['pending', 'delivered', 'partial', 'failed', 'unrouted'] as const
export type EventStatus = (typeof eventStatuses)[number]

/** One event to one destination, with every attempt made. Times are ISO 8601, UTC. */
export interface Delivery {
  destinationId: string
  channel: string
  status: DeliveryStatus
  reason?: string
  nextAttemptAt?: string
  attempts: Attempt[]
}

/** An event's delivery log: the workflow's result, and its answer to the query `timeline`. */
export interface Timeline {
  status: EventStatus
  reason?: string
  deliveries: Delivery[]
  routing: RoutingDecision[]
  /** Workflow ids of the children that make these deliveries and hold their attempts, when there are very many. */
  batches?: string[]
}

/** What a list shows of an event without asking its workflow: its memo. */
export interface TimelineSummary {
  status: EventStatus
  deliveries: DeliverySummary[]
  /** Whether children hold some of the deliveries' attempts. */
  batched?: true
}

export interface DeliverySummary {
  destinationId: string
  channel: string
  status: DeliveryStatus
  attempts: number
  /** Of the newest attempt. */
  responseCode?: number
  lastAttemptAt?: string
}

export function openTimeline(): Timeline {
  return { status: 'pending', deliveries: [], routing: [] }
}

export function recordPlan(timeline: Timeline, plan: Plan): void {
  timeline.routing.push(...plan.routing)
  const planned = plan.steps.flatMap((step) => step.deliveries)
  if (planned.length === 0) timeline.reason = unroutedReason(plan.routing)
}

export function openDelivery(timeline: Timeline, { destinationId, channel }: PlannedDelivery): Delivery {
  const delivery: Delivery = { destinationId, channel, status: 'pending', attempts: [] }
  timeline.deliveries.push(delivery)
  return delivery
}

/**
 * Of attempts that another one followed, the log keeps this many characters of the answer: a hundred deliveries of ten
 * attempts each must fit into one workflow result. The whole excerpt stays in the workflow's history.
 */
const earlierExcerptMax = 256

/** Writes an attempt into the log, without the channel's internal hints. */
export function recordAttempt(delivery: Delivery, made: AttemptResult & { kind: 'attempted' }): void {
  const { outcome, at, durationMs } = made
  const previous = delivery.attempts.at(-1)
  if (previous?.responseExcerpt)
    previous.responseExcerpt = previous.responseExcerpt.slice(0, earlierExcerptMax)
  delivery.attempts.push({
    number: delivery.attempts.length + 1,
    at,
    durationMs,
    outcome: outcome.kind,
    ...(outcome.responseCode !== undefined && { responseCode: outcome.responseCode }),
    ...(outcome.responseExcerpt !== undefined && { responseExcerpt: outcome.responseExcerpt }),
    ...(outcome.kind !== 'delivered' && { error: outcome.error }),
  })
}

/** Ends or changes a delivery's state. A wait that is over is forgotten with it. */
export function settle(delivery: Delivery, status: DeliveryStatus, reason?: string): void {
  delivery.status = status
  delete delivery.nextAttemptAt
  delete delivery.reason
  if (reason !== undefined) delivery.reason = reason
}

/** The event's state as its deliveries give it: `partial` when some arrived and some failed. */
export function eventStatus(deliveries: readonly Pick<Delivery, 'status'>[]): EventStatus {
  const has = (status: DeliveryStatus) => deliveries.some((delivery) => delivery.status === status)
  if (has('pending') || has('held')) return 'pending'
  if (has('delivered')) return has('failed') ? 'partial' : 'delivered'
  return has('failed') ? 'failed' : 'unrouted'
}

export function summarize({ status, deliveries, batches }: Timeline): TimelineSummary {
  return { status, deliveries: deliveries.map(summarizeDelivery), ...(batches && { batched: true }) }
}

export function summarizeDelivery({ destinationId, channel, status, attempts }: Delivery): DeliverySummary {
  const last = attempts.at(-1)
  return {
    destinationId,
    channel,
    status,
    attempts: attempts.length,
    ...(last?.responseCode !== undefined && { responseCode: last.responseCode }),
    ...(last && { lastAttemptAt: last.at }),
  }
}

/** Destinations whose newest attempt did not arrive: they wait for another one, or were given up. */
export function failingDestinations(deliveries: readonly Delivery[]): string[] {
  return deliveries
    .filter(({ status, attempts }) => status === 'failed' || (status === 'pending' && attempts.length > 0))
    .map(({ destinationId }) => destinationId)
}

export function deliveredDestinations(deliveries: readonly Delivery[]): string[] {
  return deliveries.filter(({ status }) => status === 'delivered').map(({ destinationId }) => destinationId)
}

function unroutedReason(routing: readonly RoutingDecision[]): string {
  return routing.length === 0
    ? 'the tenant has no destination in this environment'
    : 'no active destination’s subscription matches; see routing for each one’s reason'
}
