import {
  WorkflowNotFoundError,
  type SignalDefinition,
  type WorkflowExecutionDescription,
} from '@temporalio/client'
import pMap from 'p-map'
import type { Scope } from '../../db/destinations/destinations.ts'
import { countExecutions, quoted, workflowConditions } from '../../temporal/log/executions.ts'
import { walkNewestFirst } from '../../temporal/log/walk.ts'
import { replayEventType } from '../../workflows/contract/event.ts'
import {
  replayEventsType,
  replaysWorkflowId,
  type ReplayMemo,
  type ReplayProgress,
} from '../../workflows/contract/replays.ts'
import type { AppDeps } from '../deps.ts'
import { ApiError, notFound } from '../errors.ts'
import { makeCursor, readCursor } from '../http/log-cursor.ts'

/** Replays are read from Temporal so many at once. */
const concurrency = 20

/** One page of replays, newest first: one with too long a history by the start of its last part. What stands in their memos needs no worker. */
export async function listReplays(
  { temporal }: AppDeps,
  scope: Scope,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
) {
  const asked = { list: 'replays', ...scope }
  const conditions = workflowConditions(scope, [replayEventsType])
  const after = cursor === undefined ? undefined : readCursor(cursor, asked)
  const { executions, meanGapMs } = await walkNewestFirst(temporal, {
    query: [...conditions, `ExecutionStatus != 'ContinuedAsNew'`].join(' AND '),
    after,
    meanGapMs: after?.meanGapMs,
    wanted: limit + 1,
  })
  const page = executions.slice(0, limit)
  const last = executions.length > limit ? page.at(-1) : undefined
  const data = await pMap(
    page,
    async ({ workflowId }) => show(await temporal.workflow.getHandle(workflowId).describe()),
    { concurrency },
  )
  return { data, nextCursor: last ? makeCursor({ ...last, meanGapMs, deliveries: 0 }, asked) : null }
}

/** A replay, and what became of the events it started: counted now, over their workflows. */
export async function readReplay(deps: AppDeps, scope: Scope, id: string) {
  const { temporal } = deps
  const shown = show(await describeReplay(deps, scope, id))
  const runs = [...workflowConditions(scope, [replayEventType]), `ReplayId = ${quoted(id)}`]
  const count = (...conditions: string[]) => countExecutions(temporal, [...runs, ...conditions].join(' AND '))
  const ended = `ExecutionStatus != 'Running'`
  const [pending, delivered, failed, digested, unrouted] = await Promise.all([
    count(`ExecutionStatus = 'Running'`),
    count(ended, `EventStatus = 'delivered'`),
    // A run that was ended early is `pending` for ever.
    count(ended, `EventStatus IN ('failed', 'partial', 'pending')`),
    count(ended, `EventStatus = 'digested'`),
    count(ended, `EventStatus = 'unrouted'`),
  ])
  return { ...shown, delivered, failed, digested, unrouted, pending }
}

/** The replay, if it can still be changed: what is refused is not recorded as done. */
export async function requireRunning(deps: AppDeps, scope: Scope, id: string): Promise<void> {
  if ((await describeReplay(deps, scope, id)).status.name !== 'RUNNING') throw ended()
}

/** `requireRunning` comes before this, and before the audit entry. */
export async function signalReplay<Args extends unknown[]>(
  deps: AppDeps,
  scope: Scope,
  id: string,
  signal: SignalDefinition<Args>,
  ...args: Args
): Promise<void> {
  try {
    await deps.temporal.workflow.getHandle(replaysWorkflowId(scope, id)).signal(signal, ...args)
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw ended()
    throw error
  }
}

function ended(): ApiError {
  return new ApiError('already_ended', 'This replay is over.')
}

const idPattern = /^rpl_[a-z0-9]{1,64}$/

async function describeReplay(
  { temporal }: AppDeps,
  scope: Scope,
  id: string,
): Promise<WorkflowExecutionDescription> {
  if (!idPattern.test(id)) throw notFound('replay')
  try {
    return await temporal.workflow.getHandle(replaysWorkflowId(scope, id)).describe()
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw notFound('replay')
    throw error
  }
}

function show({ memo, status, closeTime }: WorkflowExecutionDescription) {
  const { replayId: id, createdAt, filter, progress } = memo as unknown as ReplayMemo
  const { found, started, skipped: skippedReasons, ratePerSecond } = progress
  const skipped = Object.values(skippedReasons).reduce((sum, count) => sum + count, 0)
  const stands = statusOf(status.name, progress)
  const left = Math.max(0, found - started - skipped)
  return {
    id,
    status: stands,
    createdAt,
    ...(closeTime && { endedAt: closeTime.toISOString() }),
    filter,
    ratePerSecond,
    found,
    started,
    skipped,
    skippedReasons,
    ...(stands === 'running' && left > 0 && { estimatedEndAt: timeIn(left / ratePerSecond) }),
  }
}

function statusOf(name: string, { state }: ReplayProgress) {
  switch (name) {
    case 'RUNNING':
    case 'COMPLETED':
    case 'CONTINUED_AS_NEW':
      return state
    case 'CANCELLED':
    case 'TERMINATED':
      return 'cancelled'
    default:
      return 'failed'
  }
}

function timeIn(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString()
}
