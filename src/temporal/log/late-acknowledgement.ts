import type { Client, WorkflowExecutionDescription } from '@temporalio/client'
import { TypedSearchAttributes } from '@temporalio/common'
import { asksForAcknowledgement } from '../../domain/delivery/acknowledgement.ts'
import type { Event } from '../../domain/event.ts'
import type { Acknowledgement, Timeline } from '../../domain/delivery/timeline.ts'
import {
  acknowledgeEventType,
  lateAcknowledgementId,
  type LateAcknowledgementMemo,
} from '../../workflows/contract/acknowledgements.ts'
import { replayEventType, routeEventType } from '../../workflows/contract/event.ts'
import { searchAttributes } from '../../workflows/contract/lists.ts'
import { taskQueue } from '../../workflows/contract/task-queues.ts'
import { readFirstInput } from './event-input.ts'
import { listAllExecutions, quoted, workflowConditions, type Execution } from './executions.ts'
import { unlessStarted } from '../start-job.ts'
import { ifFound } from '../grpc.ts'
import { readErasure } from './tombstone.ts'

type Scope = Pick<Event, 'tenantId' | 'environment'>
type Run = Pick<WorkflowExecutionDescription, 'workflowId' | 'runId'>

/** Records the acknowledgement of a run that has ended. The first one counts: another one that was recorded before stays. */
export async function recordLate(
  client: Client,
  { tenantId, environment, eventId }: Scope & { eventId: string },
  run: Run,
  acknowledgement: Acknowledgement,
): Promise<void> {
  const memo: LateAcknowledgementMemo = { eventId, acknowledgedAt: acknowledgement.at }
  await unlessStarted(
    client.workflow.start(acknowledgeEventType, {
      taskQueue,
      workflowId: lateAcknowledgementId(run),
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      priority: { fairnessKey: tenantId },
      args: [acknowledgement],
      memo: { ...memo },
      typedSearchAttributes: new TypedSearchAttributes([
        { key: searchAttributes.tenantId, value: tenantId },
        { key: searchAttributes.environment, value: environment },
        { key: searchAttributes.eventId, value: eventId },
      ]),
    }),
  )
}

/** A run's log with the acknowledgement that came after its end. */
export async function withLateAcknowledgement<Read extends Timeline>(
  client: Client,
  run: WorkflowExecutionDescription,
  timeline: Read,
): Promise<Read> {
  if (timeline.acknowledgement || !mayHaveLateOne(run, timeline)) return timeline
  const acknowledgement = await readLate(client, run)
  return acknowledgement ? { ...timeline, acknowledgement } : timeline
}

/** True if a run accepts, or has, an acknowledgement after its end. */
export function mayHaveLateOne(
  run: WorkflowExecutionDescription,
  { deliveries }: Pick<Timeline, 'deliveries'>,
): boolean {
  const isEvent = run.type === routeEventType || run.type === replayEventType
  return isEvent && run.status.name !== 'RUNNING' && !readErasure(run) && asksForAcknowledgement(deliveries)
}

function readLate(client: Client, run: Run): Promise<Acknowledgement | undefined> {
  return ifFound(readFirstInput<Acknowledgement>(client, lateAcknowledgementId(run)))
}

/** The late acknowledgements of these runs by run id, with a single query. */
export async function listLate(
  client: Client,
  scope: Scope,
  runs: readonly Execution[],
): Promise<ReadonlyMap<string, string>> {
  const asking = runs.filter(
    ({ endedAt, memo }) =>
      endedAt !== undefined &&
      memo.summary?.acknowledgedAt === undefined &&
      asksForAcknowledgement(memo.summary?.deliveries ?? []),
  )
  if (asking.length === 0) return new Map()
  const found = await findLate(
    client,
    scope,
    asking.map(({ memo }) => memo.eventId),
  )
  const byId = new Map(found.map(({ workflowId, memo }) => [workflowId, memo]))
  return new Map(
    asking.flatMap((run) => {
      const memo = byId.get(lateAcknowledgementId(run)) as LateAcknowledgementMemo | undefined
      return memo ? [[run.runId, memo.acknowledgedAt] as const] : []
    }),
  )
}

/** The late acknowledgements of events by id, for all of their runs. */
export function findLate(client: Client, scope: Scope, eventIds: readonly string[]) {
  const conditions = [
    ...workflowConditions(scope, [acknowledgeEventType]),
    `EventId IN (${eventIds.map(quoted).join(', ')})`,
  ]
  return listAllExecutions(client, conditions.join(' AND '))
}
