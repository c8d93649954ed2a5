import { isJsonObject, type Event, type Json, type JsonObject } from '../event.ts'
import type { Attempt } from '../delivery/outcome.ts'
import type { RoutingDecision } from '../routing/plan.ts'
import type { StepRecord } from '../rules/step-record.ts'
import type { Delivery, Timeline } from '../delivery/timeline.ts'

/** What is left of an event once its payload is erased. */
export type ErasedEvent = Omit<Event, 'data'> & { data?: undefined }

/** By which request, and when that was made (ISO 8601, UTC). */
export interface Erased {
  at: string
  erasureId: string
}

/** A request to erase an event. One that takes the same id later is another event. */
export interface ErasureRequest extends Erased {
  eventId: string
}

/** An event by its name, as a digest names those that it tells of. */
export interface EventRef {
  id: string
  /** ISO 8601, UTC. */
  createdAt: string
}

export function withoutData({ data: _erased, ...event }: Event): ErasedEvent {
  return event
}

/** The event itself and, of a digest, those that it tells of, whose data stands in its own; of digests among them likewise. */
export function includedEvents({
  id,
  createdAt,
  data,
}: EventRef & { data?: JsonObject | undefined }): EventRef[] {
  const members = Array.isArray(data?.events) ? data.events.filter(isMember) : []
  return [{ id, createdAt }, ...members.flatMap(includedEvents)]
}

type Member = JsonObject & EventRef & { data: JsonObject }

function isMember(value: Json): value is Member {
  const isOne = isJsonObject(value) && typeof value.id === 'string' && typeof value.createdAt === 'string'
  return isOne && isJsonObject(value.data)
}

/** By so much the clocks of machines may differ. */
const slackMs = 60_000

/** The request by which an event is to be erased: for its own data, or for that of an event which it tells of. */
export function findRequest(
  event: Event | ErasedEvent,
  asked: readonly ErasureRequest[],
): ErasureRequest | undefined {
  if (asked.length === 0 || event.data === undefined) return undefined
  const told = includedEvents(event)
  return asked.find(({ eventId, at }) =>
    told.some(({ id, createdAt }) => id === eventId && Date.parse(createdAt) <= Date.parse(at) + slackMs),
  )
}

/** The digests that a run of an event has become a part of, by their event ids. */
export function listDigestIds({ steps = [] }: Pick<Timeline, 'steps'>): string[] {
  return steps.flatMap(({ digestId }) => digestId ?? [])
}

/**
 * A log without what may quote the event: what receivers answered, errors, faults of templates, headers that are not plain
 * names and times, notes, and the values by which rules held it back. That it was delivered stays: to whom, when, how often,
 * with which codes, and by which rules.
 */
export function withoutPayload(timeline: Timeline): Timeline {
  const { deliveries, routing, steps, acknowledgement } = timeline
  return {
    ...timeline,
    deliveries: deliveries.map(deliveryTombstone),
    routing: routing.map(decisionTombstone),
    ...(steps && { steps: steps.map(stepTombstone) }),
    ...(acknowledgement && { acknowledgement: withoutNote(acknowledgement) }),
  }
}

function deliveryTombstone({ attempts, reason, ...delivery }: Delivery): Delivery {
  return {
    ...delivery,
    ...(reason !== undefined && { reason: withoutQuote(reason) }),
    attempts: attempts.map(attemptTombstone),
  }
}

/** `rejected: …` and `given up: …` go on with an error. */
function withoutQuote(reason: string): string {
  return reason.replace(/^(rejected|given up): .*$/s, '$1')
}

function attemptTombstone({ requestHeaders, ...attempt }: Attempt): Attempt {
  const { number, at, durationMs, outcome, responseCode, errorClass, template } = attempt
  const headers = requestHeaders && plainHeaders(requestHeaders)
  return {
    number,
    at,
    durationMs,
    outcome,
    ...(responseCode !== undefined && { responseCode }),
    ...(errorClass && { errorClass }),
    ...(template && { template }),
    ...(headers && { requestHeaders: headers }),
  }
}

/** Names and times of ours. A signature is one of the payload, and an own header may be anything. */
const plain = ['webhook-id', 'webhook-timestamp', 'x-webhook-id', 'x-webhook-timestamp', 'message-id']

function plainHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => plain.includes(name.toLowerCase())))
}

/** What holds an event back says what it has in common with others. */
function decisionTombstone(decision: RoutingDecision): RoutingDecision {
  return 'heldBack' in decision && decision.heldBack ? { ...decision, reason: decision.heldBack } : decision
}

/** One that waits in a digest says by which value. */
function stepTombstone({ reason, ...step }: StepRecord): StepRecord {
  const isOver = step.status === 'done' || step.status === 'skipped'
  return { ...step, ...(isOver && reason !== undefined && { reason }) }
}

function withoutNote({ note: _erased, ...acknowledgement }: NonNullable<Timeline['acknowledgement']>) {
  return acknowledgement
}
