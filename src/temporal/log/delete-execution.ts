import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import { countExecutions, quoted } from './executions.ts'
import { findDescription } from './event-runs.ts'
import { ifFound } from '../grpc.ts'

export interface RunRef {
  workflowId: string
  runId: string
}

const pollMs = 200

/** Has the server delete a run, ending it if it is still under way. The server does so a moment later. */
export async function deleteExecution(client: Client, workflowExecution: RunRef): Promise<void> {
  const { namespace } = client.options
  await ifFound(client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution }))
}

/** Waits until neither the run nor what lists show of it is there any more. */
export async function untilDeleted(
  client: Client,
  { workflowId, runId }: RunRef,
  throwIfCancelled: () => void,
) {
  while (await findDescription(client, workflowId, runId)) await pause(throwIfCancelled)
  while ((await countExecutions(client, `RunId = ${quoted(runId)}`)) > 0) await pause(throwIfCancelled)
}

/** Waits until lists show an execution of this id that fits a condition. */
export async function untilListed(
  client: Client,
  workflowId: string,
  condition: string,
  throwIfCancelled: () => void,
): Promise<void> {
  const query = `WorkflowId = ${quoted(workflowId)} AND ${condition}`
  while ((await countExecutions(client, query)) === 0) await pause(throwIfCancelled)
}

/** `throwIfCancelled` throws to give up. */
async function pause(throwIfCancelled: () => void): Promise<void> {
  await sleep(pollMs)
  throwIfCancelled()
}
