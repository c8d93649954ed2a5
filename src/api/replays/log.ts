import type { SignalDefinition, WorkflowExecutionDescription } from '@temporalio/client'
import pMap from 'p-map'
import { definedOnly } from '../../domain/defined-only.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import { foundOr } from '../../temporal/grpc.ts'
import { findDescription } from '../../temporal/log/event-runs.ts'
import { countExecutions, quoted, workflowConditions } from '../../temporal/log/executions.ts'
import { replayEventType } from '../../workflows/contract/event.ts'
import {
  replayEventsType,
  replaysWorkflowId,
  type ReplayMemo,
  type ReplayProgress,
} from '../../workflows/contract/replays.ts'
import type { AppDeps } from '../deps.ts'
import { ApiError, notFound } from '../errors.ts'
import { readLogPage, type PageRequest } from '../http/log-cursor.ts'

/** The number of replays that are read from Temporal at once. */
const concurrency = 20

/**
 * Reads one page of replays, newest first. A replay that has continued as new is sorted by the start of its latest run. Reads memos
 * only, so no worker is needed.
 */
export async function listReplays({ temporal }: AppDeps, scope: Scope, request: PageRequest) {
  const asked = { list: 'replays', ...scope }
  const conditions = [...workflowConditions(scope, [replayEventsType]), `ExecutionStatus != 'ContinuedAsNew'`]
  const { page, nextCursor } = await readLogPage(temporal, conditions.join(' AND '), request, asked)
  const data = await pMap(
    page,
    async ({ workflowId }) => show(await temporal.workflow.getHandle(workflowId).describe()),
    { concurrency },
  )
  return { data, nextCursor }
}

/** Reads a replay and counts the outcomes of the events that it started, from the current state of their workflows. */
export async function readReplay(deps: AppDeps, scope: Scope, id: string) {
  const { temporal } = deps
  const shown = show(await describeReplay(deps, scope, id))
  const runs = [...workflowConditions(scope, [replayEventType]), `ReplayId = ${quoted(id)}`]
  const count = (...conditions: string[]) => countExecutions(temporal, [...runs, ...conditions].join(' AND '))
  const ended = `ExecutionStatus != 'Running'`
  const [pending, delivered, failed, digested, unrouted] = await Promise.all([
    count(`ExecutionStatus = 'Running'`),
    count(ended, `EventStatus = 'delivered'`),
    // A run that was terminated stays `pending` forever.
    count(ended, `EventStatus IN ('failed', 'partial', 'pending')`),
    count(ended, `EventStatus = 'digested'`),
    count(ended, `EventStatus = 'unrouted'`),
  ])
  return { ...shown, delivered, failed, digested, unrouted, pending }
}

/** Throws 409 unless the replay is running. Call this before writing an audit entry for a change of the replay. */
export async function requireRunning(deps: AppDeps, scope: Scope, id: string): Promise<void> {
  if ((await describeReplay(deps, scope, id)).status.name !== 'RUNNING') refuseEnded()
}

/** Sends a signal to a replay. Call `requireRunning` first, before writing the audit entry. */
export async function signalReplay<Args extends unknown[]>(
  deps: AppDeps,
  scope: Scope,
  id: string,
  signal: SignalDefinition<Args>,
  ...args: Args
): Promise<void> {
  const handle = deps.temporal.workflow.getHandle(replaysWorkflowId(scope, id))
  await foundOr(handle.signal(signal, ...args), refuseEnded)
}

function refuseEnded(): never {
  throw new ApiError('already_ended', 'This replay has already ended.')
}

const idPattern = /^rpl_[a-z0-9]{1,64}$/

async function describeReplay(
  { temporal }: AppDeps,
  scope: Scope,
  id: string,
): Promise<WorkflowExecutionDescription> {
  if (!idPattern.test(id)) throw notFound('replay')
  const found = await findDescription(temporal, replaysWorkflowId(scope, id))
  if (!found) throw notFound('replay')
  return found
}

function show({ memo, status, closeTime }: WorkflowExecutionDescription) {
  const { replayId: id, createdAt, filter, progress } = memo as unknown as ReplayMemo
  const { found, started, skipped: skippedReasons, ratePerSecond } = progress
  const skipped = Object.values(skippedReasons).reduce((sum, count) => sum + count, 0)
  const current = readStatus(status.name, progress)
  const left = Math.max(0, found - started - skipped)
  return definedOnly({
    id,
    status: current,
    createdAt,
    endedAt: closeTime?.toISOString(),
    filter,
    ratePerSecond,
    found,
    started,
    skipped,
    skippedReasons,
    ...(current === 'running' && left > 0 && { estimatedEndAt: timeIn(left / ratePerSecond) }),
  })
}

function readStatus(name: string, { state }: ReplayProgress) {
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
