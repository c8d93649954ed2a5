import type { Client, WorkflowExecutionDescription } from '@temporalio/client'
import type { Event } from '../../domain/event.ts'
import {
  deliverBatchType,
  eventWorkflowId,
  replayBatchType,
  replayEventType,
  routeEventType,
} from '../../workflows/contract/event.ts'
import { ifFound } from '../grpc.ts'
import { listAllExecutions, quoted, workflowConditions } from './executions.ts'
import { readErasure } from './tombstone.ts'

type Scope = Pick<Event, 'tenantId' | 'environment'>

const types = [routeEventType, replayEventType, deliverBatchType, replayBatchType]

/** Lists the runs of an event: its own, its replays, and the children of both. */
function listEventRuns(client: Client, scope: Scope, eventId: string) {
  const conditions = [...workflowConditions(scope, types), `EventId = ${quoted(eventId)}`]
  return listAllExecutions(client, conditions.join(' AND '))
}

/**
 * The runs that still hold the event's data, without tombstones. Visibility is delayed and may still list deleted runs, so the
 * event's own run is looked up by its id.
 */
export async function describeUnerasedRuns(
  client: Client,
  scope: Scope,
  eventId: string,
): Promise<WorkflowExecutionDescription[]> {
  const listed = (await listEventRuns(client, scope, eventId)).filter(({ memo }) => !memo.erased)
  const own = await findDescription(client, eventWorkflowId({ ...scope, eventId }))
  const found = await Promise.all(
    listed.map(({ workflowId, runId }) => findDescription(client, workflowId, runId)),
  )
  const runs = [own, ...found].filter((run) => run !== undefined && !readErasure(run))
  return [...new Map(runs.flatMap((run) => (run ? [[run.runId, run]] : []))).values()]
}

export function findDescription(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<WorkflowExecutionDescription | undefined> {
  return ifFound(client.workflow.getHandle(workflowId, runId).describe())
}
