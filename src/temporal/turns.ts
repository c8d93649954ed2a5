import type { Client } from '@temporalio/client'
import { enterSignal, takeTurnsType, taskQueue, type TurnsInput } from '../workflows/contract.ts'

export interface Entering {
  /** The queue's workflow id. */
  queueId: string
  /** Who enters. */
  workflowId: string
  permits: number
}

/** Puts a workflow at the end of a queue, which is opened if nobody stands in it. Entering again changes nothing. */
export async function enterTurn(client: Client, { queueId, workflowId, permits }: Entering): Promise<void> {
  const input: TurnsInput = { permits }
  await client.workflow.signalWithStart(takeTurnsType, {
    taskQueue,
    workflowId: queueId,
    args: [input],
    signal: enterSignal,
    signalArgs: [workflowId, permits],
  })
}
