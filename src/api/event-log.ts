import {
  WorkflowNotFoundError,
  type SignalDefinition,
  type WorkflowExecutionDescription,
} from '@temporalio/client'
import type { Scope } from '../db/destinations.ts'
import { eventIdPattern } from '../domain/event.ts'
import { summarize, openTimeline, type EventStatus } from '../domain/timeline.ts'
import { readEventInput } from '../temporal/event-input.ts'
import { BadCursor, listExecutions, quoted } from '../temporal/executions.ts'
import { grpcCode, grpcInvalidArgument } from '../temporal/grpc.ts'
import { readTimeline } from '../temporal/timeline.ts'
import {
  deliverBatchType,
  eventWorkflowId,
  replayEventType,
  replayWorkflowId,
  routeEventType,
  type EventMemo,
} from '../workflows/contract.ts'
import type { AppDeps } from './app.ts'
import { ApiError, invalid, notFound } from './errors.ts'

export interface EventFilter {
  type?: string | undefined
  status?: EventStatus | undefined
  destination?: string | undefined
  failing?: string | undefined
  from?: string | undefined
  to?: string | undefined
  limit: number
  cursor?: string | undefined
}

/** One page of events from one visibility query: what it shows stands in memos, what it filters by in search attributes. */
export async function listEvents({ temporal }: AppDeps, scope: Scope, filter: EventFilter) {
  const query = visibilityQuery(scope, filter)
  const page = await listExecutions(temporal, query, filter.limit, filter.cursor).catch(refuseBadCursor)
  return { data: page.executions.map(({ memo }) => showSummary(memo)), nextCursor: page.nextCursor }
}

export function refuseBadCursor(error: unknown): never {
  if (!(error instanceof BadCursor)) throw error
  throw invalid([{ path: 'cursor', message: 'was not given out for this list and these filters' }])
}

function visibilityQuery(
  scope: Scope,
  { type, status, destination, failing, from, to }: EventFilter,
): string {
  const conditions = [
    // Of an event with very many destinations, the children are found by them, and show their part of it.
    ...workflowConditions(
      scope,
      destination || failing ? [routeEventType, deliverBatchType] : [routeEventType],
    ),
    type &&
      (type.endsWith('*')
        ? `EventType STARTS_WITH ${quoted(type.slice(0, -1))}`
        : `EventType = ${quoted(type)}`),
    status && `EventStatus = ${quoted(status)}`,
    destination && `Destinations = ${quoted(destination)}`,
    failing && `FailingDestinations = ${quoted(failing)}`,
    from && `StartTime >= ${quoted(new Date(from).toISOString())}`,
    to && `StartTime < ${quoted(new Date(to).toISOString())}`,
  ]
  return conditions.filter(Boolean).join(' AND ')
}

/** What a visibility query finds of one tenant and environment: workflows of these types. */
export function workflowConditions({ tenantId, environment }: Scope, types: readonly string[]): string[] {
  return [
    `WorkflowType IN (${types.map(quoted).join(', ')})`,
    `TenantId = ${quoted(tenantId)}`,
    `Environment = ${quoted(environment)}`,
  ]
}

function showSummary(memo: EventMemo) {
  const { eventId, eventType, createdAt, test, summary = summarize(openTimeline()) } = memo
  const { status, deliveries } = summary
  return { id: eventId, type: eventType, createdAt, ...(test && { test }), status, deliveries }
}

/** An event with its whole delivery log and its replays', read from Temporal alone. */
export async function readEvent(deps: AppDeps, scope: Scope, eventId: string) {
  const { temporal } = deps
  const execution = await describeEvent(deps, scope, eventId)
  const [{ event }, timeline, replays] = await Promise.all([
    readEventInput(temporal, execution.workflowId, execution.runId),
    readTimeline(temporal, execution),
    readReplays(deps, execution.workflowId),
  ])
  const { id, type, environment, test, data, createdAt } = event
  const known = { id, type, environment, ...(test && { test }), data, createdAt }
  return { ...known, ...timeline, replays, ...temporalLink(deps, execution) }
}

async function readReplays({ temporal }: AppDeps, workflowId: string) {
  const prefix = replayWorkflowId(workflowId, '')
  const query = `WorkflowType = ${quoted(replayEventType)} AND WorkflowId STARTS_WITH ${quoted(prefix)}`
  const { executions } = await listExecutions(temporal, query, replaysShown)
  const replays = await Promise.all(
    executions.map(async (found) => {
      const execution = await temporal.workflow.getHandle(found.workflowId).describe()
      const replayId = found.workflowId.slice(prefix.length)
      return {
        replayId,
        createdAt: execution.startTime.toISOString(),
        ...(await readTimeline(temporal, execution)),
      }
    }),
  )
  return replays.sort((left, right) => left.createdAt.localeCompare(right.createdAt))
}

/** An event is replayed a few times in its life; more than this are found by the list in Temporal's UI. */
const replaysShown = 100

/** The execution that an event is, or 404. What another tenant has is not told apart from what nobody has. */
export async function describeEvent(
  { temporal }: AppDeps,
  scope: Scope,
  eventId: string,
): Promise<WorkflowExecutionDescription> {
  // An id with a slash would name a replay or a batch: those are parts of an event, and no events.
  if (!eventIdPattern.test(eventId)) throw notFound('event')
  try {
    return await temporal.workflow.getHandle(eventWorkflowId({ ...scope, eventId })).describe()
  } catch (error) {
    const noSuchId = error instanceof WorkflowNotFoundError || grpcCode(error) === grpcInvalidArgument
    if (noSuchId) throw notFound('event')
    throw error
  }
}

export async function signalEvent<Args extends unknown[]>(
  { temporal }: AppDeps,
  execution: WorkflowExecutionDescription,
  signal: SignalDefinition<Args>,
  ...args: Args
): Promise<void> {
  if (execution.status.name !== 'RUNNING') throw ended()
  try {
    await temporal.workflow.getHandle(execution.workflowId, execution.runId).signal(signal, ...args)
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw ended()
    throw error
  }
}

function ended(): ApiError {
  return new ApiError('already_ended', 'No delivery of this event waits for an attempt.')
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
