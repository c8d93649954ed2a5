import { definedOnly } from '../defined-only.ts'
import type { Attempt, AttemptResult } from './outcome.ts'
import {
  ofDestinations,
  plannedDeliveries,
  type DestinationDecision,
  type Routing,
  type PlannedDelivery,
  type RoutingDecision,
} from '../routing/plan.ts'
import type { StepRecord } from '../rules/step-record.ts'
import { cutCodePoints } from '../truncate.ts'

export type DeliveryStatus = 'pending' | 'delivered' | 'failed' | 'skipped' | 'held'
/** `digested`: only delivered as part of a digest. */
export const eventStatuses = ['pending', 'delivered', 'partial', 'failed', 'digested', 'unrouted'] as const
export type EventStatus = (typeof eventStatuses)[number]

/** One event to one destination, with every attempt made. Times are ISO 8601, UTC. */
export interface Delivery {
  destinationId: string
  channel: string
  /** The path of the rule step that made it. */
  step?: string
  status: DeliveryStatus
  reason?: string
  nextAttemptAt?: string
  /** The destination would have received it if it had been active. */
  missed?: true
  /** The message says how to acknowledge the event. */
  acknowledgeable?: true
  attempts: Attempt[]
}

/** An event's delivery log: the workflow's result, and its answer to the query `timeline`. */
export interface Timeline {
  status: EventStatus
  reason?: string
  deliveries: Delivery[]
  routing: RoutingDecision[]
  /** Steps of the acting rules, in the order in which they began. */
  steps?: StepRecord[]
  acknowledgement?: Acknowledgement
  /** Ids of the child workflows that make these deliveries and hold their attempts, if there are very many. */
  batches?: string[]
}

/** Somebody has taken notice of the event. */
export interface Acknowledgement {
  at: string
  /** For display: the name that the caller gave, or the owner of the key or link. */
  by: string
  via: 'api' | 'link'
  note?: string
  /** The key used, or the destination to which the link was sent. */
  keyId?: string
  destinationId?: string
}

/** The summary of an event that lists show without a query: its workflow's memo. */
export interface TimelineSummary {
  status: EventStatus
  acknowledgedAt?: string
  deliveries: DeliverySummary[]
  /** True if child workflows hold some of the deliveries' attempts. */
  batched?: true
}

export interface DeliverySummary {
  destinationId: string
  channel: string
  status: DeliveryStatus
  attempts: number
  /** From the newest attempt. */
  responseCode?: number
  lastAttemptAt?: string
  nextAttemptAt?: string
  /** The path of the rule step that made it. */
  step?: string
  /** The message says how to acknowledge the event. */
  acknowledgeable?: true
  /** Made by a child workflow, whose summary has its attempts. */
  delegated?: true
}

export function openTimeline(): Timeline {
  return { status: 'pending', deliveries: [], routing: [] }
}

export function recordPlan(timeline: Timeline, plan: Routing): void {
  timeline.routing.push(...plan.routing)
  if (plan.fault !== undefined) {
    timeline.reason = plan.fault
    return
  }
  if (plannedDeliveries(plan.steps).length > 0) return
  const rules = plan.routing.filter((decision) => 'ruleId' in decision && decision.matched)
  if (rules.length === 0) timeline.reason = unroutedReason(ofDestinations(plan.routing))
}

export function openDelivery(
  timeline: Timeline,
  { destinationId, channel, step, acknowledgeable, fault }: PlannedDelivery,
): Delivery {
  const delivery: Delivery = definedOnly({
    destinationId,
    channel,
    step,
    status: 'pending' as const,
    acknowledgeable,
    attempts: [],
  })
  if (fault !== undefined) settle(delivery, 'failed', fault)
  timeline.deliveries.push(delivery)
  return delivery
}

/**
 * The log keeps this many characters of the response and request headers of attempts that were followed by another one: sixty
 * deliveries with twenty attempts each must fit into one workflow result. The history keeps everything.
 */
const maxEarlierAttempts = { excerpt: 256, headers: 600, templateFault: 120 }

/** Adds an attempt to the log, without the channel's internal hints. */
export function recordAttempt(delivery: Delivery, made: AttemptResult & { kind: 'attempted' }): void {
  const { outcome, at, durationMs, template, templateFault } = made
  const previous = delivery.attempts.at(-1)
  if (previous?.responseExcerpt)
    previous.responseExcerpt = cutCodePoints(previous.responseExcerpt, maxEarlierAttempts.excerpt)
  if (previous?.requestHeaders) previous.requestHeaders = firstHeaders(previous.requestHeaders)
  if (previous?.templateFault)
    previous.templateFault = cutCodePoints(previous.templateFault, maxEarlierAttempts.templateFault)
  delivery.attempts.push(
    definedOnly({
      number: delivery.attempts.length + 1,
      at,
      durationMs,
      outcome: outcome.kind,
      responseCode: outcome.responseCode,
      responseExcerpt: outcome.responseExcerpt,
      requestHeaders: outcome.requestHeaders,
      ...(outcome.kind !== 'delivered' && { error: outcome.error }),
      ...(outcome.kind !== 'delivered' && outcome.errorClass && { errorClass: outcome.errorClass }),
      template,
      templateFault,
    }),
  )
}

function firstHeaders(headers: Record<string, string>): Record<string, string> {
  let left = maxEarlierAttempts.headers
  return Object.fromEntries(
    Object.entries(headers).filter(([name, value]) => (left -= name.length + value.length) >= 0),
  )
}

/** Sets a delivery's status and clears its wait. */
export function settle(delivery: Delivery, status: DeliveryStatus, reason?: string): void {
  delivery.status = status
  delete delivery.nextAttemptAt
  delete delivery.reason
  if (reason !== undefined) delivery.reason = reason
}

/** Identifies a delivery within its event: rules may send to the same destination more than once. */
export function deliveryKey({ destinationId, step }: Pick<Delivery, 'destinationId' | 'step'>): string {
  return step === undefined ? destinationId : `${destinationId} ${step}`
}

/** True if another attempt may follow. */
export function isOpen({ status }: Pick<Delivery, 'status'>): boolean {
  return status === 'pending' || status === 'held'
}

/** The delivery of a run that was ended early: whatever its last state, no further attempt is made. */
export function givenUp<One extends Pick<Delivery, 'status' | 'nextAttemptAt'>>(delivery: One): One {
  if (!isOpen(delivery)) return delivery
  const { nextAttemptAt: _never, ...rest } = delivery
  return { ...(rest as One), status: 'failed' }
}

/** The event's status as derived from its deliveries: `partial` if some arrived and some failed. */
export function eventStatus(
  deliveries: readonly Pick<Delivery, 'status'>[],
  steps: readonly Pick<StepRecord, 'digestId'>[] = [],
): EventStatus {
  const has = (status: DeliveryStatus) => deliveries.some((delivery) => delivery.status === status)
  if (deliveries.some(isOpen)) return 'pending'
  if (has('delivered')) return has('failed') ? 'partial' : 'delivered'
  if (has('failed')) return 'failed'
  return steps.some(({ digestId }) => digestId !== undefined) ? 'digested' : 'unrouted'
}

/** `delegated`: the deliveries that child workflows make. */
export function summarize(
  { status, deliveries, acknowledgement, batches }: Timeline,
  delegated?: ReadonlySet<Delivery>,
): TimelineSummary {
  return definedOnly({
    status,
    acknowledgedAt: acknowledgement?.at,
    deliveries: deliveries.map((delivery) => ({
      ...summarizeDelivery(delivery),
      ...(delegated?.has(delivery) && { delegated: true as const }),
    })),
    ...(batches && { batched: true as const }),
  })
}

export function summarizeDelivery(delivery: Delivery): DeliverySummary {
  const { destinationId, channel, step, status, nextAttemptAt, acknowledgeable, attempts } = delivery
  const last = attempts.at(-1)
  return definedOnly({
    destinationId,
    channel,
    step,
    status,
    acknowledgeable,
    attempts: attempts.length,
    responseCode: last?.responseCode,
    lastAttemptAt: last?.at,
    nextAttemptAt,
  })
}

/** Destinations whose newest attempt did not arrive: another one will follow, or the delivery has failed. */
export function failingDestinations(deliveries: readonly Delivery[]): string[] {
  const failing = deliveries.filter(
    (delivery) => delivery.status === 'failed' || (isOpen(delivery) && delivery.attempts.length > 0),
  )
  return listDestinationIds(failing)
}

export function deliveredDestinations(deliveries: readonly Delivery[]): string[] {
  return listDestinationIds(deliveries.filter(({ status }) => status === 'delivered'))
}

/** Destinations that would have received the event if they had been active, and can receive it once they are. */
export function missedDestinations({
  deliveries,
  routing,
}: Pick<Timeline, 'deliveries' | 'routing'>): string[] {
  return listDestinationIds([...deliveries, ...ofDestinations(routing)].filter(({ missed }) => missed))
}

/** Without duplicates, because a rule may send to a destination more than once. */
export function listDestinationIds(of: readonly Pick<Delivery, 'destinationId'>[]): string[] {
  return [...new Set(of.map(({ destinationId }) => destinationId))]
}

function unroutedReason(routing: readonly DestinationDecision[]): string {
  return routing.length === 0
    ? 'the tenant has no destinations in this environment'
    : 'no active destination has a matching subscription; see routing for the reasons'
}
