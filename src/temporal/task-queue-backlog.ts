import type { Client } from '@temporalio/client'
import proto from '@temporalio/proto'
import type { QueueBacklog } from '../metrics/backlog.ts'
import { slowTaskQueue, taskQueue } from '../workflows/contract/task-queues.ts'

const { TASK_QUEUE_TYPE_WORKFLOW, TASK_QUEUE_TYPE_ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType

/** The slow lane has no workflows. */
const queues = [
  { queue: taskQueue, kind: 'workflow', taskQueueType: TASK_QUEUE_TYPE_WORKFLOW },
  { queue: taskQueue, kind: 'activity', taskQueueType: TASK_QUEUE_TYPE_ACTIVITY },
  { queue: slowTaskQueue, kind: 'activity', taskQueueType: TASK_QUEUE_TYPE_ACTIVITY },
] as const

/** A scrape waits for the answers. */
const deadlineMs = 2_000

/** Reads how many tasks wait for a worker, and for how long. Temporal's figures are approximate and some seconds old. */
export function readTaskQueueBacklog(client: Client): Promise<QueueBacklog[]> {
  return client.withDeadline(Date.now() + deadlineMs, () =>
    Promise.all(
      queues.map(async ({ queue, kind, taskQueueType }) => {
        const { stats } = await client.workflowService.describeTaskQueue({
          namespace: client.options.namespace,
          taskQueue: { name: queue },
          taskQueueType,
          reportStats: true,
        })
        const { seconds, nanos } = stats?.approximateBacklogAge ?? {}
        return {
          queue,
          kind,
          tasks: Number(stats?.approximateBacklogCount ?? 0),
          ageSeconds: Number(seconds ?? 0) + (nanos ?? 0) / 1e9,
        }
      }),
    ),
  )
}
