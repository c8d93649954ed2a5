import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client'
import type { Event } from '../../domain/event.ts'
import {
  deliverBatchType,
  eventWorkflowId,
  replayBatchType,
  replayEventType,
  routeEventType,
} from '../../workflows/contract/event.ts'
import { listAllExecutions, quoted, workflowConditions } from './executions.ts'
import { readErasure } from './tombstone.ts'

type Scope = Pick<Event, 'tenantId' | 'environment'>

const types = [routeEventType, replayEventType, deliverBatchType, replayBatchType]

/** All that a query finds of an event, as lists show it: its own runs, replays, and the children of both. */
export function listEventRuns(client: Client, scope: Scope, eventId: string) {
  const conditions = [...workflowConditions(scope, types), `EventId = ${quoted(eventId)}`]
  return listAllExecutions(client, conditions.join(' AND '))
}

/**
 * The runs that still hold the event's data, without tombstones. Visibility is delayed and may still list deleted runs, so the
 * event's own run is looked up by its id.
 */
export async function describeUnerased(
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

export async function findDescription(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId, runId).describe()
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined
    throw error
  }
}
