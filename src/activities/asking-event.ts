import { activityInfo, getClient } from '@temporalio/activity'
import type { Event } from '../domain/event.ts'
import { readEventInput } from '../temporal/log/event-input.ts'

/** Returns the event and run of the workflow that called the current activity. Throws outside of an activity. */
export async function readCallingEvent(): Promise<{ event: Event; workflowId: string; runId: string }> {
  const { workflowExecution } = activityInfo()
  if (!workflowExecution) throw new Error('this activity can only be called by a workflow')
  const { workflowId, runId } = workflowExecution
  const input = await readEventInput(getClient(), workflowId, runId)
  if ('erased' in input) throw new Error('the event is erased')
  return { event: input.event, workflowId, runId }
}
