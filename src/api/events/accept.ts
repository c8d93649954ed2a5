import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { typeid } from 'typeid-js'
import type { Scope } from '../../db/destinations/destinations.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import type { Event, JsonObject } from '../../domain/event.ts'
import { durationMs } from '../../domain/delivery/retry-schedule.ts'
import { startEvent, startMemo } from '../../temporal/start-event.ts'
import { eventWorkflowId } from '../../workflows/contract/event.ts'
import type { EventMemo, StartMemo } from '../../workflows/contract/lists.ts'
import type { Started, StartInSlot } from '../http/admission.ts'
import type { AppDeps } from '../deps.ts'
import { checkEventData } from './check-data.ts'
import { ApiError, invalid } from '../errors.ts'
import { derivedId } from '../http/idempotency.ts'
import { findPlaced, startInPlaces, type Places } from './places.ts'
import { serviceFault } from '../http/service-fault.ts'

export interface Accepted {
  id: string
  type: string
  status: 'accepted'
  createdAt: string
  duplicate?: true
}

interface Given {
  id?: string
  type: string
  data: JsonObject
  expiresAt?: string
  /** A duration; mutually exclusive with `expiresAt`. */
  ttl?: string
}

/**
 * Starts the event's workflow and returns only once Temporal has stored it. The workflow id contains the event id, so Temporal
 * itself refuses a second start: a post with the same body is then a duplicate, one with another body a conflict.
 */
export async function acceptEvent(
  deps: AppDeps,
  scope: Scope,
  given: Given,
  { startInSlot, idempotencyKey, hops, after, path }: Posted,
): Promise<Accepted> {
  const expiresAt = readExpiry(given)
  const event: Event = definedOnly({
    ...scope,
    id: given.id ?? chooseEventId(scope, idempotencyKey),
    type: given.type,
    data: given.data,
    createdAt: new Date().toISOString(),
    expiresAt,
    ...(hops > 0 && { hops }),
  })
  const startedAt = performance.now()
  const [placed, problems] = await Promise.all([
    findPlaced(deps, scope, event),
    checkEventData(deps, scope, event.type, event.data, path ? `${path}.data` : 'data'),
  ])
  if (problems.length > 0) throw invalid(problems)
  if (placed.length > 0) await after
  const start = (places: Places) => startOrRecognise(deps, event, places)
  // Queues and rate-limit slots are taken only once the event has an admission slot, so a refused event has taken none.
  const { accepted } = await startInSlot(toWorkflowId(event), () => startInPlaces(deps, event, placed, start))
  deps.metrics.countEvent({ duplicate: accepted.duplicate === true })
  deps.log.info(
    {
      ...scope,
      eventId: event.id,
      eventType: event.type,
      duplicate: accepted.duplicate,
      durationMs: Math.round(performance.now() - startedAt),
    },
    'event.accepted',
  )
  return accepted
}

interface Posted {
  startInSlot: StartInSlot
  idempotencyKey?: string
  /** The number of webhooks in the chain that led to the event. */
  hops: number
  /** Set for events of a batch only: resolves once the previous events have their queues and rate-limit slots. */
  after?: Promise<unknown>
  /** Set for events of a batch only: the path of the event in the batch, for errors about its data. */
  path?: string
}

function readExpiry({ expiresAt, ttl }: Given): string | undefined {
  if (ttl !== undefined) return new Date(Date.now() + durationMs(ttl)).toISOString()
  return expiresAt === undefined ? undefined : new Date(expiresAt).toISOString()
}

interface Start extends Started {
  accepted: Accepted
}

async function startOrRecognise(deps: AppDeps, event: Event, places: Places): Promise<Start> {
  const memo = startMemo(event)
  try {
    const { eagerlyStarted } = await startEvent(
      deps.temporal,
      { event, ...places },
      { eager: deps.eagerStart },
      memo,
    )
    const { id, type, createdAt } = event
    return { accepted: { id, type, status: 'accepted', createdAt }, eagerlyStarted }
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw notAccepted(error)
    return { accepted: await toDuplicate(deps, event, memo), duplicate: true, eagerlyStarted: false }
  }
}

/**
 * A repeated request must produce the same id, so the id is derived from the idempotency key if one is given, and is random
 * otherwise.
 */
function chooseEventId({ tenantId, environment }: Scope, idempotencyKey: string | undefined): string {
  if (idempotencyKey === undefined) return typeid('evt').toString()
  return derivedId('evt', [tenantId, environment, idempotencyKey])
}

function toWorkflowId(event: Event): string {
  return eventWorkflowId({ ...event, eventId: event.id })
}

async function toDuplicate({ temporal }: AppDeps, event: Event, memo: StartMemo): Promise<Accepted> {
  const first = await temporal.workflow.getHandle(toWorkflowId(event)).describe()
  const known = first.memo as EventMemo | undefined
  if (known?.erased) {
    throw new ApiError(
      'erased',
      `The event with the id ${event.id} was erased, and its id cannot be reused. Send the event with a new id.`,
      { errors: [{ path: 'id', message: 'belongs to an erased event' }] },
    )
  }
  if (known?.bodyHash !== memo.bodyHash) {
    throw new ApiError(
      'event_id_conflict',
      `An event with the id ${event.id} but a different type or data was accepted before. Send this event with a new id.`,
      { errors: [{ path: 'id', message: 'belongs to an event with a different type or data' }] },
    )
  }
  return { id: event.id, type: event.type, status: 'accepted', createdAt: known.createdAt, duplicate: true }
}

/**
 * The event may have been stored or not. Nothing was acknowledged, so the platform posts it again: with the same id it cannot be
 * accepted twice.
 */
function notAccepted(cause: unknown): unknown {
  return serviceFault(cause, 'The event was not acknowledged; send it again with the same id.') ?? cause
}
