import { createHash } from 'node:crypto'
import { definedOnly } from './defined-only.ts'
import type { Environment, Event, JsonObject } from './event.ts'
import { truncate } from './truncate.ts'

/** An operational event of Switchyard before it gets its id and time. It contains no secret and no other event's data. */
export interface News {
  /** Identifies the event in the tenant's environment: emitting the same name again gives the same event. */
  name: string
  type:
    | 'destination.disabled'
    | 'destination.recovered'
    | 'delivery.failing'
    | 'delivery.exhausted'
    | 'key.rotated'
    | 'email.confirmation'
    | 'email.unsubscribed'
  tenantId: string
  environment: Environment
  data: JsonObject
  /** The hops of the event whose delivery it is about. */
  hops?: number
}

export type Owner = Pick<News, 'tenantId' | 'environment'>

/** The destination that it is about. The name of a deleted destination is unknown. */
export interface Subject {
  id: string
  name?: string
  channel: string
}

/** A destination was disabled, or is active again. `at` is when its status changed. */
export function statusNews(
  change: 'disabled' | 'recovered',
  destination: Subject & Owner,
  { reason, at }: { reason: string; at: Date },
): News {
  const data = { ...subjectData(destination), reason, at: at.toISOString() }
  const name = `${destination.id}_${change}_${at.getTime()}`
  return { name, type: `destination.${change}`, ...toOwner(destination), data }
}

/** The state of a delivery. `attempts` is the number of attempts made. */
export interface DeliveryState {
  destination: Subject
  attempts: number
  lastError?: string
  at: Date
}

/** A destination fails, as the delivery of this event shows: the same news until it has worked again. */
export function failingNews(
  event: Event,
  { destination, attempts, lastError, at }: DeliveryState,
  failingSince: Date,
): News {
  const data = {
    ...subjectData(destination),
    failingSince: failingSince.toISOString(),
    ...eventData(event),
    attempts,
    ...shortText('lastError', lastError),
    at: at.toISOString(),
  }
  const name = `${destination.id}_failing_${failingSince.getTime()}`
  return { name, type: 'delivery.failing', ...inheritCause(event), data }
}

/** A delivery was given up. `workflowId` is of the event's run that made it, `step` of the rule that did. */
export function exhaustedNews(
  event: Event,
  { destination, attempts, lastError, at }: DeliveryState,
  { workflowId, step, reason }: { workflowId: string; step?: string; reason: string },
): News {
  const data = {
    ...eventData(event),
    eventCreatedAt: event.createdAt,
    ...subjectData(destination),
    ...shortText('reason', reason),
    attempts,
    ...shortText('lastError', lastError),
    ...shortText('step', step),
    at: at.toISOString(),
  }
  const delivery = JSON.stringify([workflowId, destination.id, step ?? null])
  const name = `exhausted_${shortHash(delivery)}`
  return { name, type: 'delivery.exhausted', ...inheritCause(event), data }
}

/** A destination's signing secret, or the tenant's API secret where there is no destination, was replaced. */
export function rotationNews(
  owner: Owner,
  { destination, previousEndsAt, at }: { destination?: Subject; previousEndsAt: Date; at: Date },
): News {
  const kind = destination ? 'destination-secret' : 'api-secret'
  const { destinationId, name } = destination ? subjectData(destination) : {}
  const data = definedOnly({
    kind,
    destinationId,
    name,
    previousEndsAt: previousEndsAt.toISOString(),
    at: at.toISOString(),
  })
  return {
    name: `${destination?.id ?? kind}_rotated_${at.getTime()}`,
    type: 'key.rotated',
    ...toOwner(owner),
    data,
  }
}

/**
 * Asks a recipient of an email destination to confirm. It goes to that recipient alone (`readConfirmation`). `after` is when the
 * one before was asked for, or since when there is something to ask: asked for twice at once it is one mail.
 */
export function confirmationNews(
  destination: Subject & Owner,
  { address, after, at }: { address: string; after: Date; at: Date },
): News {
  const data = { ...subjectData(destination), address, at: at.toISOString() }
  const name = `${destination.id}_confirm_${shortHash(address)}_${after.getTime()}`
  return { name, type: 'email.confirmation', ...toOwner(destination), data }
}

/** Returns whom an event asks to confirm, if it is a confirmation request. */
export function readConfirmation({
  type,
  data,
  operational,
}: Pick<Event, 'type' | 'data' | 'operational'>): { destinationId: string; address: string } | undefined {
  if (!operational || type !== 'email.confirmation') return undefined
  const { destinationId, address } = data
  return typeof destinationId === 'string' && typeof address === 'string'
    ? { destinationId, address }
    : undefined
}

/** A recipient wants no more mail from an email destination. */
export function unsubscribedNews(
  destination: Subject & Owner,
  { address, at }: { address: string; at: Date },
): News {
  const data = { ...subjectData(destination), address, at: at.toISOString() }
  const name = `${destination.id}_unsubscribed_${shortHash(address)}_${at.getTime()}`
  return { name, type: 'email.unsubscribed', ...toOwner(destination), data }
}

/**
 * Returns the destination whose deliveries an operational event is about. The event is not sent to it, because a failure there
 * would cause more of them. `destination.recovered` may be sent to its own destination.
 */
export function aboutDestination({
  type,
  data,
  operational,
}: Pick<Event, 'type' | 'data' | 'operational'>): string | undefined {
  if (!operational || !type.startsWith('delivery.')) return undefined
  return typeof data.destinationId === 'string' ? data.destinationId : undefined
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

function toOwner({ tenantId, environment }: Owner): Owner {
  return { tenantId, environment }
}

function inheritCause(event: Event): Owner & Pick<News, 'hops'> {
  return definedOnly({ ...toOwner(event), hops: event.hops })
}

function subjectData({ id, name, channel }: Subject) {
  return definedOnly({ destinationId: id, name, channel })
}

function eventData({ id, type }: Event) {
  return { eventId: id, eventType: type }
}

const maxTextLength = 500

function shortText(name: string, text: string | undefined): JsonObject {
  return text === undefined ? {} : { [name]: truncate(text, maxTextLength) }
}
