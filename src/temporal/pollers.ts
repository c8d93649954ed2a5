import type { Client } from '@temporalio/client'
import proto from '@temporalio/proto'
import { taskQueue } from '../workflows/contract/task-queues.ts'

/** Temporal remembers a poller for five minutes, and an idle worker polls at least once a minute. */
const pollsWithinMs = 120_000

/** Returns the identities of the workers that have polled recently. */
export async function findPollingWorkers(client: Client): Promise<string[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
  })
  const since = Date.now() - pollsWithinMs
  return pollers
    .filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > since)
    .map(({ identity }) => identity ?? '')
}
