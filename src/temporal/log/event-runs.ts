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
import { erasedOf } from './stand-in.ts'

type Scope = Pick<Event, 'tenantId' | 'environment'>

const types = [routeEventType, replayEventType, deliverBatchType, replayBatchType]

/** Lists the runs of an event: its own, its replays, and the children of both. */
function listRuns(client: Client, scope: Scope, eventId: string) {
  const conditions = [...workflowConditions(scope, types), `EventId = ${quoted(eventId)}`]
  return listAllExecutions(client, conditions.join(' AND '))
}

/**
 * Describes the runs of an event that still hold its data, which stand-ins do not. Lists lag behind: they may still show a run
 * that is deleted, and the event's own run is looked up by its id.
 */
export async function describeUnerasedRuns(
  client: Client,
  scope: Scope,
  eventId: string,
): Promise<WorkflowExecutionDescription[]> {
  const listed = (await listRuns(client, scope, eventId)).filter(({ memo }) => !memo.erased)
  const own = await describeIfFound(client, eventWorkflowId({ ...scope, eventId }))
  const found = await Promise.all(
    listed.map(({ workflowId, runId }) => describeIfFound(client, workflowId, runId)),
  )
  const runs = [own, ...found].filter((run) => run !== undefined && !erasedOf(run))
  return [...new Map(runs.flatMap((run) => (run ? [[run.runId, run]] : []))).values()]
}

export function describeIfFound(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<WorkflowExecutionDescription | undefined> {
  return ifFound(client.workflow.getHandle(workflowId, runId).describe())
}
