import type { Client } from '@temporalio/client'
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js'
import type { RouteEventInput, StandInInput } from '../../workflows/contract/event.ts'

/**
 * The event that a workflow was started with: the first event of its history, read with no worker needed. Attempts read
 * it there instead of getting it as their input, or the payload would stand in history once an attempt. What has `erased` holds
 * no data any more.
 */
export async function readEventInput(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<RouteEventInput | StandInInput> {
  const input = await readFirstInput<RouteEventInput | StandInInput>(client, workflowId, runId)
  if (!input) throw new Error(`the history of ${workflowId} does not begin with an event`)
  return input
}

/** What a workflow was started with, likewise. */
export async function readFirstInput<Input>(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<Input | undefined> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  })
  const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes
  const [input] = await decodeArrayFromPayloads(client.options.loadedDataConverter, started?.input?.payloads)
  return input as Input | undefined
}
