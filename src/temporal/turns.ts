import type { Client } from '@temporalio/client'
import type { RoutableDestination } from '../domain/destination.ts'
import type { Event } from '../domain/event.ts'
import { getOrderKey } from '../domain/delivery/ordering.ts'
import { taskQueue } from '../workflows/contract/task-queues.ts'
import { enterSignal, takeTurnsType, turnsWorkflowId, type TurnsInput } from '../workflows/contract/turns.ts'

export interface QueueEntry {
  /** The queue's workflow id. */
  queueId: string
  /** The workflow that enters. */
  workflowId: string
  permits: number
}

/** The queues that an event enters at ordered destinations. */
export function listOrderQueues(event: Event, destinations: readonly RoutableDestination[]): string[] {
  return destinations.flatMap(({ id, delivery }) => {
    const order = getOrderKey(event, delivery.ordering?.by)
    return order ? [turnsWorkflowId(event, id, order.hash)] : []
  })
}

/** Appends a workflow to a queue, which is created if needed. Entering again changes nothing. */
export async function enterTurn(client: Client, { queueId, workflowId, permits }: QueueEntry): Promise<void> {
  const input: TurnsInput = { permits }
  await client.workflow.signalWithStart(takeTurnsType, {
    taskQueue,
    workflowId: queueId,
    staticSummary: `queue of up to ${permits} at a time`,
    args: [input],
    signal: enterSignal,
    signalArgs: [workflowId, permits],
  })
}
