import type { SignalDefinition, WorkflowExecutionDescription } from '@temporalio/client'
import type { Scope } from '../../db/destinations/destinations.ts'
import { redactedPaths } from '../../db/redaction.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { isEventId } from '../../domain/event.ts'
import { createRedaction } from '../../domain/redaction/payload.ts'
import type { EventStatus } from '../../domain/delivery/timeline.ts'
import { readEventInput } from '../../temporal/log/event-input.ts'
import {
  BadCursor,
  earlyEnds,
  listExecutions,
  quoted,
  quotedTime,
  typeCondition,
  workflowConditions,
  type Execution,
} from '../../temporal/log/executions.ts'
import { foundOr, grpcCode, grpcInvalidArgument, isNotFound } from '../../temporal/grpc.ts'
import { listLate } from '../../temporal/log/late-acknowledgement.ts'
import { readSummary } from '../../temporal/log/summary.ts'
import { readErasure, originalStart } from '../../temporal/log/tombstone.ts'
import { readTimeline } from '../../temporal/log/timeline.ts'
import {
  deliverBatchType,
  eventWorkflowId,
  replayEventType,
  replayWorkflowId,
  routeEventType,
} from '../../workflows/contract/event.ts'
import type { AppDeps } from '../deps.ts'
import { ApiError, notFound } from '../errors.ts'
import { badCursor, readLogPage, type PageRequest } from '../http/log-cursor.ts'

/** Filters of both lists of the delivery log. `from` (inclusive) and `to` (exclusive) limit when an event or a replay began. */
export interface LogFilter {
  type?: string
  destination?: string
  from?: string
  to?: string
}

export interface EventFilter extends LogFilter {
  status?: EventStatus
  failing?: string
}

/** Reads one page of events, newest first. Shows memos and filters by search attributes, so no worker is needed. */
export async function listEvents(
  { temporal }: AppDeps,
  scope: Scope,
  { limit, cursor, ...filter }: EventFilter & PageRequest,
) {
  const asked = { list: 'events', ...scope, ...filter }
  const { page, nextCursor } = await readLogPage(
    temporal,
    visibilityQuery(scope, filter),
    { limit, cursor },
    asked,
  )
  const late = await listLate(temporal, scope, page)
  return { data: page.map((execution) => showSummary(execution, late.get(execution.runId))), nextCursor }
}

export function refuseBadCursor(error: unknown): never {
  throw error instanceof BadCursor ? badCursor() : error
}

function visibilityQuery(scope: Scope, { status, failing, ...filter }: EventFilter): string {
  // An event with very many destinations delegates deliveries to child workflows. The filter finds the children, and each shows its
  // part of the event.
  const types = filter.destination || failing ? [routeEventType, deliverBatchType] : [routeEventType]
  const conditions = [
    ...logConditions(scope, types, filter),
    status && statusCondition(status),
    failing && `FailingDestinations = ${quoted(failing)}`,
  ]
  return conditions.filter(Boolean).join(' AND ')
}

/** The query conditions that both lists of the delivery log share. */
export function logConditions(
  scope: Scope,
  types: readonly string[],
  { type, destination, from, to }: LogFilter,
): string[] {
  const conditions = [
    type && typeCondition(type),
    destination && `Destinations = ${quoted(destination)}`,
    from && `StartTime >= ${quotedTime(Date.parse(from))}`,
    to && `StartTime < ${quotedTime(Date.parse(to))}`,
  ]
  return [...workflowConditions(scope, types), ...conditions.filter((condition) => condition !== undefined)]
}

/** An event whose workflow ended early has failed, whatever status it last published. */
function statusCondition(status: EventStatus): string {
  const is = `EventStatus = ${quoted(status)}`
  return status === 'failed' ? `(${is} OR ${endedEarly})` : `${is} AND NOT ${endedEarly}`
}

export const endedEarly = `ExecutionStatus IN (${earlyEnds.map(quoted).join(', ')})`

function showSummary(execution: Execution, acknowledgedLate: string | undefined) {
  const { eventId, eventType, createdAt, test, erased } = execution.memo
  const { status, acknowledgedAt = acknowledgedLate, deliveries } = readSummary(execution)
  return definedOnly({
    id: eventId,
    type: eventType,
    createdAt,
    test,
    erasedAt: erased?.at,
    status,
    acknowledgedAt,
    deliveries,
  })
}

/** Reads an event from Temporal, with its delivery log and its replays', and redacts the fields that its tenant has chosen. */
export async function readEvent(deps: AppDeps, scope: Scope, eventId: string) {
  const { db, temporal } = deps
  const execution = await describeEvent(deps, scope, eventId)
  const [input, timeline, replays, paths] = await Promise.all([
    readEventInput(temporal, execution.workflowId, execution.runId),
    readTimeline(temporal, execution),
    readReplays(deps, execution.workflowId),
    redactedPaths(db, scope.tenantId),
  ])
  const { event } = input
  const { id, type, environment, test, createdAt, expiresAt, hops } = event
  // An erased event has no data to redact.
  const redaction = event.data && createRedaction(event, paths)
  const known = definedOnly({
    id,
    type,
    environment,
    test,
    data: redaction ? redaction.data : null,
    ...('erased' in input && { erased: input.erased }),
    createdAt,
    expiresAt,
    hops: hops || undefined,
  })
  const shown = redaction ? replays.map(redaction.timeline) : replays
  return {
    ...known,
    ...(redaction ? redaction.timeline(timeline) : timeline),
    replays: shown,
    ...temporalLink(deps, execution),
  }
}

async function readReplays(deps: AppDeps, workflowId: string) {
  const prefix = replayWorkflowId(workflowId, '')
  return Promise.all(
    (await describeReplays(deps, workflowId)).map(async (execution) => ({
      replayId: execution.workflowId.slice(prefix.length),
      createdAt: originalStart(execution).toISOString(),
      ...(await readTimeline(deps.temporal, execution)),
    })),
  )
}

/** Returns the executions of an event's replays, in the order in which they began. */
export async function describeReplays(
  { temporal }: AppDeps,
  workflowId: string,
): Promise<WorkflowExecutionDescription[]> {
  const prefix = replayWorkflowId(workflowId, '')
  const query = `WorkflowType = ${quoted(replayEventType)} AND WorkflowId STARTS_WITH ${quoted(prefix)}`
  const { executions } = await listExecutions(temporal, query, replaysShown)
  const replays = await Promise.all(
    executions.map((found) => temporal.workflow.getHandle(found.workflowId).describe()),
  )
  // For a moment the list shows both an erased replay and its tombstone, so only one execution per run id is kept.
  const current = new Map(replays.map((replay) => [replay.runId, replay]))
  return [...current.values()].sort(
    (left, right) => originalStart(left).getTime() - originalStart(right).getTime(),
  )
}

/** Events are rarely replayed more than a few times. Further replays can be found in Temporal's UI. */
const replaysShown = 100

/** Returns the event's execution, or throws 404. Another tenant's event looks the same as one that does not exist. */
export async function describeEvent(
  { temporal }: AppDeps,
  scope: Scope,
  eventId: string,
): Promise<WorkflowExecutionDescription> {
  // An id with a slash would name a replay or a batch, which are parts of an event.
  if (!isEventId(eventId)) throw notFound('event')
  try {
    return await temporal.workflow.getHandle(eventWorkflowId({ ...scope, eventId })).describe()
  } catch (error) {
    if (isNotFound(error) || grpcCode(error) === grpcInvalidArgument) throw notFound('event')
    throw error
  }
}

/** Returns the event's execution, or throws an error if it does not exist or has been erased. */
export async function describeUnerasedEvent(
  deps: AppDeps,
  scope: Scope,
  eventId: string,
): Promise<WorkflowExecutionDescription> {
  const execution = await describeEvent(deps, scope, eventId)
  if (readErasure(execution)) throw erasedError()
  return execution
}

export function erasedError(): ApiError {
  return new ApiError('erased', 'This event’s content was erased; only its delivery record remains.')
}

export async function signalEvent<Args extends unknown[]>(
  { temporal }: AppDeps,
  execution: WorkflowExecutionDescription,
  signal: SignalDefinition<Args>,
  ...args: Args
): Promise<void> {
  const { workflowId, runId, status } = execution
  if (status.name !== 'RUNNING') refuseEnded()
  await foundOr(temporal.workflow.getHandle(workflowId, runId).signal(signal, ...args), refuseEnded)
}

function refuseEnded(): never {
  throw new ApiError('already_ended', 'No delivery of this event is waiting for a retry.')
}

function temporalLink(
  { temporal, temporalUiUrl }: AppDeps,
  { workflowId, runId }: WorkflowExecutionDescription,
) {
  if (!temporalUiUrl) return {}
  const { namespace } = temporal.options
  const path = [namespace, 'workflows', workflowId, runId, 'history'].map(encodeURIComponent).join('/')
  return { temporalUrl: `${temporalUiUrl}/namespaces/${path}` }
}
