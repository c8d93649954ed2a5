import { createHash } from 'node:crypto'
import type { Client } from '@temporalio/client'
import { TypedSearchAttributes } from '@temporalio/common'
import { definedOnly } from '../domain/defined-only.ts'
import type { Event } from '../domain/event.ts'
import { runDetails, runSummary } from '../domain/delivery/trace.ts'
import { canonicalJson, exactly } from '../domain/json/exact-number.ts'
import {
  eventWorkflowId,
  replayEventType,
  replayWorkflowId,
  routeEventType,
  type RouteEventInput,
} from '../workflows/contract/event.ts'
import { unlessStarted } from './start-job.ts'
import { searchAttributes, type StartMemo } from '../workflows/contract/lists.ts'
import { taskQueue } from '../workflows/contract/task-queues.ts'

export interface StartOptions {
  /** On a worker in this process that shares the connection. */
  eager: boolean
}

/** A tenant's tasks take their turn with other tenants'; Temporal's own default priority is 3, the lowest is 5. */
const priorities = { event: 3, replay: 4 }

/** Starts an event's workflow. Throws `WorkflowExecutionAlreadyStartedError` where its id is taken. */
export function startEvent(
  client: Client,
  input: RouteEventInput,
  { eager }: StartOptions,
  memo = startMemo(input.event),
) {
  const { event } = input
  return client.workflow.start(routeEventType, {
    ...shared(input, eager, priorities.event),
    workflowId: eventWorkflowId({ ...event, eventId: event.id }),
    memo: { ...memo },
    typedSearchAttributes: startAttributes(event),
  })
}

/** The same, unless a workflow with its id exists: for events that may be emitted repeatedly. */
export async function startEventOnce(
  client: Client,
  input: RouteEventInput,
  starting: StartOptions,
): Promise<void> {
  await unlessStarted(startEvent(client, input, starting))
}

/**
 * Starts a later run of an event. Its id is made of the event's and the replay's, so that the same replay cannot start it
 * twice: that throws `WorkflowExecutionAlreadyStartedError`. `partOf` is a replay of many events (`rpl_…`).
 */
export function startReplayRun(
  client: Client,
  { event, digest, replay, queues }: RouteEventInput & { replay: { id: string } },
  { eager, partOf }: StartOptions & { partOf?: string },
) {
  return client.workflow.start(replayEventType, {
    ...shared(
      definedOnly({ event, digest, replay, queues }),
      eager,
      partOf === undefined ? priorities.event : priorities.replay,
    ),
    workflowId: replayWorkflowId(eventWorkflowId({ ...event, eventId: event.id }), replay.id),
    memo: { ...startMemo(event) },
    typedSearchAttributes: startAttributes(event, partOf),
  })
}

function shared(input: RouteEventInput, eager: boolean, priorityKey: number) {
  return {
    taskQueue,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'FAIL',
    requestEagerStart: eager,
    priority: { priorityKey, fairnessKey: input.event.tenantId },
    staticSummary: runSummary(input.event, input.replay ? 'replay' : 'event'),
    staticDetails: runDetails(input.event),
    args: [input] as [RouteEventInput],
  } as const
}

export function startMemo({ id, type, data, createdAt, test }: Event): StartMemo {
  const bodyHash = createHash('sha256')
    .update(canonicalJson({ type, data: exactly(data) }))
    .digest('hex')
  return definedOnly({ eventId: id, eventType: type, createdAt, bodyHash, test })
}

/** The search attributes of an event or its replay from its start. */
function startAttributes(
  { id, tenantId, environment, type }: Event,
  replayId?: string,
): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: searchAttributes.tenantId, value: tenantId },
    { key: searchAttributes.environment, value: environment },
    { key: searchAttributes.eventId, value: id },
    { key: searchAttributes.eventType, value: type },
    { key: searchAttributes.eventStatus, value: 'pending' },
    ...(replayId === undefined ? [] : [{ key: searchAttributes.replayId, value: replayId }]),
  ])
}
