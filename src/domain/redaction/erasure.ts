import { definedOnly } from '../defined-only.ts'
import { isJsonObject, type Event, type Json, type JsonObject } from '../event.ts'
import type { Attempt } from '../delivery/outcome.ts'
import type { RoutingDecision } from '../routing/plan.ts'
import type { StepRecord } from '../rules/step-record.ts'
import type { Delivery, Timeline } from '../delivery/timeline.ts'

/** A tombstone: what remains of an event once its payload is erased. */
export type ErasedEvent = Omit<Event, 'data'> & { data?: undefined }

/** The id of the erasure request and its time (ISO 8601, UTC). */
export interface Erased {
  at: string
  erasureId: string
}

/** A request to erase an event. One that takes the same id later is another event. */
export interface ErasureRequest extends Erased {
  eventId: string
}

/** A reference to an event, as a digest lists its events. */
export interface EventRef {
  id: string
  /** ISO 8601, UTC. */
  createdAt: string
}

export function withoutData({ data: _erased, ...event }: Event): ErasedEvent {
  return event
}

/** The event itself and, for a digest, the events whose data it contains, including those of nested digests. */
export function includedEvents({ id, createdAt, data }: EventRef & { data?: JsonObject }): EventRef[] {
  const members = Array.isArray(data?.events) ? data.events.filter(isMember) : []
  return [{ id, createdAt }, ...members.flatMap(includedEvents)]
}

type Member = JsonObject & EventRef & { data: JsonObject }

function isMember(value: Json): value is Member {
  const isOne = isJsonObject(value) && typeof value.id === 'string' && typeof value.createdAt === 'string'
  return isOne && isJsonObject(value.data)
}

/** The allowed difference between the clocks of machines. */
const slackMs = 60_000

/** Returns the request by which an event is to be erased: for the event itself, or for an event that it contains. */
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
  return definedOnly({
    ...timeline,
    deliveries: deliveries.map(deliveryTombstone),
    routing: routing.map(decisionTombstone),
    steps: steps?.map(stepTombstone),
    acknowledgement: acknowledgement && withoutNote(acknowledgement),
  })
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
  return definedOnly({
    number,
    at,
    durationMs,
    outcome,
    responseCode,
    errorClass,
    template,
    requestHeaders: headers,
  })
}

/** Names and times of ours. A signature is one of the payload, and an own header may be anything. */
const plain = ['webhook-id', 'webhook-timestamp', 'x-webhook-id', 'x-webhook-timestamp', 'message-id']

function plainHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => plain.includes(name.toLowerCase())))
}

/** Reasons of held-back events may quote the value that they share with others. */
function decisionTombstone(decision: RoutingDecision): RoutingDecision {
  return 'heldBack' in decision && decision.heldBack ? { ...decision, reason: decision.heldBack } : decision
}

/** The reason of a digest step may quote the value that it collects by. */
function stepTombstone({ reason, ...step }: StepRecord): StepRecord {
  const isOver = step.status === 'done' || step.status === 'skipped'
  return { ...step, ...(isOver && reason !== undefined && { reason }) }
}

function withoutNote({ note: _erased, ...acknowledgement }: NonNullable<Timeline['acknowledgement']>) {
  return acknowledgement
}
