import { createHash } from 'node:crypto'
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { TypedSearchAttributes } from '@temporalio/common'
import stringify from 'safe-stable-stringify'
import { typeid } from 'typeid-js'
import type { Scope } from '../db/destinations.ts'
import type { Event, JsonObject } from '../domain/event.ts'
import {
  eventWorkflowId,
  routeEventType,
  searchAttributes,
  taskQueue,
  type EventMemo,
  type RouteEventInput,
  type StartMemo,
} from '../workflows/contract.ts'
import type { AppDeps } from './app.ts'
import { ApiError } from './errors.ts'
import { serviceFault } from './service-fault.ts'

export interface Accepted {
  id: string
  type: string
  status: 'accepted'
  createdAt: string
  duplicate?: true
}

interface Given {
  id?: string | undefined
  type: string
  data: JsonObject
}

/**
 * Starts the event's workflow and answers once Temporal has stored it, never before. The workflow id is made of the
 * event id, so that Temporal itself refuses a second start: the same body is then a duplicate, another one a conflict.
 */
export async function acceptEvent(
  deps: AppDeps,
  scope: Scope,
  given: Given,
  idempotencyKey?: string,
): Promise<Accepted> {
  const event: Event = {
    ...scope,
    id: given.id ?? eventIdOf(scope, idempotencyKey),
    type: given.type,
    data: given.data,
    createdAt: new Date().toISOString(),
  }
  const startedAt = performance.now()
  const accepted = await startOrRecognise(deps, event)
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

async function startOrRecognise(deps: AppDeps, event: Event): Promise<Accepted> {
  const memo = startMemo(event)
  try {
    await startEvent(deps, { event }, memo)
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return duplicateOf(deps, event, memo)
    throw notAccepted(error)
  }
  return { id: event.id, type: event.type, status: 'accepted', createdAt: event.createdAt }
}

/** A repeated request must give the same id, so an id made from an idempotency key is derived and never random. */
function eventIdOf({ tenantId, environment }: Scope, idempotencyKey: string | undefined): string {
  if (idempotencyKey === undefined) return typeid('evt').toString()
  return `evt_${createHash('sha256').update([tenantId, environment, idempotencyKey].join('/')).digest('hex').slice(0, 40)}`
}

function startMemo({ id, type, data, createdAt, test }: Event): StartMemo {
  const bodyHash = createHash('sha256')
    .update(stringify({ type, data }) ?? '')
    .digest('hex')
  return { eventId: id, eventType: type, createdAt, bodyHash, ...(test && { test }) }
}

/** Starts an event's workflow. Throws `WorkflowExecutionAlreadyStartedError` where its id is taken. */
export async function startEvent(
  { temporal, eagerStart }: AppDeps,
  input: RouteEventInput,
  memo = startMemo(input.event),
) {
  const { event } = input
  return temporal.workflow.start(routeEventType, {
    taskQueue,
    workflowId: eventWorkflowId({ ...event, eventId: event.id }),
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'FAIL',
    requestEagerStart: eagerStart,
    args: [input],
    memo: { ...memo },
    typedSearchAttributes: startAttributes(event),
  })
}

/** What a list can filter an event, or a replay of it, by from its start. */
export function startAttributes({ id, tenantId, environment, type }: Event): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: searchAttributes.tenantId, value: tenantId },
    { key: searchAttributes.environment, value: environment },
    { key: searchAttributes.eventId, value: id },
    { key: searchAttributes.eventType, value: type },
    { key: searchAttributes.eventStatus, value: 'pending' },
  ])
}

async function duplicateOf({ temporal }: AppDeps, event: Event, memo: StartMemo): Promise<Accepted> {
  const workflowId = eventWorkflowId({ ...event, eventId: event.id })
  const first = await temporal.workflow.getHandle(workflowId).describe()
  const known = first.memo as EventMemo | undefined
  if (known?.bodyHash !== memo.bodyHash) {
    throw new ApiError(
      'event_id_conflict',
      `An event with the id ${event.id} was accepted before, with another type or data.`,
      { errors: [{ path: 'id', message: 'belongs to an event with another type or data' }] },
    )
  }
  return { id: event.id, type: event.type, status: 'accepted', createdAt: known.createdAt, duplicate: true }
}

/** Nothing was acknowledged, so the platform can send it again without fear: with the same id it cannot arrive twice. */
function notAccepted(cause: unknown): unknown {
  return serviceFault(cause, 'Nothing was acknowledged: send it again, with the same id.') ?? cause
}
