import { hostname } from 'node:os'
import proto from '@temporalio/proto'
import { readConfig, requireVariables, temporalSettings } from '../config.ts'
import { connectTemporal } from '../temporal/connect.ts'
import { taskQueue } from '../workflows/contract/task-queues.ts'

/**
 * `npm run worker:health`: asks Temporal whether a worker on this host has polled recently, which is the health check of a
 * process without a port. Exits with 0 or 1.
 */
const pollsWithinMs = 120_000

const config = requireVariables(readConfig(), ['TEMPORAL_ADDRESS'])
const { client } = await connectTemporal(temporalSettings(config, config.TEMPORAL_ADDRESS))
const { pollers } = await client.workflowService.describeTaskQueue({
  namespace: config.TEMPORAL_NAMESPACE,
  taskQueue: { name: taskQueue },
  taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
})
const alive = pollers.some(({ identity, lastAccessTime }) => {
  const polledAt = Number(lastAccessTime?.seconds ?? 0) * 1000
  return identity?.endsWith(`@${hostname()}`) && polledAt > Date.now() - pollsWithinMs
})
console.log(alive ? 'a worker on this host polls' : 'no worker on this host polls')
process.exit(alive ? 0 : 1)
