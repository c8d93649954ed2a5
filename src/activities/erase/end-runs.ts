import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, WorkflowExecutionDescription } from '@temporalio/client'
import pMap from 'p-map'
import { findDescription, describeUnerasedRuns } from '../../temporal/log/event-runs.ts'
import { ifFound } from '../../temporal/grpc.ts'
import { listAllExecutions, quoted } from '../../temporal/log/executions.ts'
import { collectDigestType, digestsPrefix, leaveDigestSignal } from '../../workflows/contract/digests.ts'
import type { EraseEventInput } from '../../workflows/contract/erasures.ts'
import { cancelSignal } from '../../workflows/contract/event.ts'

/** An attempt takes 30 s at most. A run that has not ended this long after its cancellation is terminated. */
const graceMs = 45_000
const pollMs = 200

/** Ends the runs of an event that still wait, by cancelling them. `throwIfCancelled` throws to give up. */
export async function endEventRuns(
  client: Client,
  input: EraseEventInput,
  throwIfCancelled: () => void,
): Promise<void> {
  const open = (await describeUnerasedRuns(client, input, input.eventId)).filter(isRunning)
  await pMap(open, (run) => endRun(client, input, run, throwIfCancelled), { concurrency: 10 })
}

function isRunning({ status }: WorkflowExecutionDescription): boolean {
  return status.name === 'RUNNING'
}

async function endRun(
  client: Client,
  scope: EraseEventInput,
  { workflowId, runId }: WorkflowExecutionDescription,
  throwIfCancelled: () => void,
): Promise<void> {
  const handle = client.workflow.getHandle(workflowId, runId)
  await ifFound(handle.signal(cancelSignal))
  const deadline = Date.now() + graceMs
  for (;;) {
    const now = await findDescription(client, workflowId, runId)
    if (!now || !isRunning(now)) return
    if (Date.now() > deadline) break
    await sleep(pollMs)
    throwIfCancelled()
  }
  await ifFound(handle.terminate('the event is erased'))
  await leaveDigests(client, scope, workflowId)
}

/** A terminated run cannot leave its digest itself. Digests that do not contain it ignore the signal. */
async function leaveDigests(client: Client, scope: EraseEventInput, workflowId: string): Promise<void> {
  const conditions = [
    `WorkflowType = ${quoted(collectDigestType)}`,
    `WorkflowId STARTS_WITH ${quoted(digestsPrefix(scope))}`,
    `ExecutionStatus = 'Running'`,
  ]
  const digests = await listAllExecutions(client, conditions.join(' AND '))
  for (const digest of digests)
    await ifFound(client.workflow.getHandle(digest.workflowId).signal(leaveDigestSignal, workflowId))
}
