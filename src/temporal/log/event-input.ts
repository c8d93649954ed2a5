import type { Client } from '@temporalio/client'
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js'
import type { RouteEventInput, TombstoneInput } from '../../workflows/contract/event.ts'

/**
 * Reads the event from the first entry of its workflow's history, which needs no worker. Attempts read it there instead of
 * getting it as input, or history would hold the payload once per attempt. With `erased`, the data is gone.
 */
export async function readEventInput(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<RouteEventInput | TombstoneInput> {
  const input = await readFirstInput<RouteEventInput | TombstoneInput>(client, workflowId, runId)
  if (!input) throw new Error(`the history of ${workflowId} does not begin with an event`)
  return input
}

/** Reads a workflow's input from its history. */
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
