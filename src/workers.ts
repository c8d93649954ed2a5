import { fileURLToPath } from 'node:url'
import { Worker, type NativeConnection, type WorkflowBundleOption } from '@temporalio/worker'
import { createActivities, createSlowActivities, type ActivityDeps } from './activities/index.ts'
import { payloadConverter, type PayloadKeys } from './temporal/payload-codec.ts'
import { slowTaskQueue, taskQueue } from './workflows/contract.ts'

export interface WorkersOptions {
  connection: NativeConnection
  namespace: string
  deps: ActivityDeps
  /** Absent: payloads are in the clear. */
  payloadKeys?: PayloadKeys | undefined
  /**
   * A bundle made before; without it the workflows are bundled now (about two seconds). With `payloadKeys` it must have been
   * bundled with the failure converter: otherwise what workflow code throws has its message in the clear.
   */
  workflowBundle?: WorkflowBundleOption
}

export interface RunningWorkers {
  /** Settles when the workers stop: by `stop`, or with the error that ended them. */
  done: Promise<void>
  /** Takes no new work, lets attempts under way finish, then ends. */
  stop(): Promise<void>
}

/** Attempts take up to 30 s (the longest timeout): a stop waits for them, so that none has to be made again. */
const shutdownGraceTime = '35s'

/** Runs the two workers of a process: the main one, and the slow lane that holds nobody up. */
export async function startWorkers({
  connection,
  namespace,
  deps,
  payloadKeys,
  workflowBundle,
}: WorkersOptions): Promise<RunningWorkers> {
  const workflows = workflowBundle
    ? { workflowBundle }
    : { workflowsPath: fileURLToPath(new URL('./workflows/index.ts', import.meta.url)) }
  const dataConverter = payloadConverter(payloadKeys)
  const shared = {
    connection,
    namespace,
    shutdownGraceTime,
    ...(dataConverter && { dataConverter }),
  } as const
  const workers = await Promise.all([
    Worker.create({
      ...shared,
      taskQueue,
      ...workflows,
      activities: createActivities(deps),
      // A workflow task lasts as long as the first attempts within it, so there must be room for many at once: with the
      // SDK's 40, the 95th percentile at 50 events in flight was 2.8 s instead of 0.8 s.
      maxConcurrentWorkflowTaskExecutions: 200,
      maxConcurrentLocalActivityExecutions: 200,
    }),
    Worker.create({
      ...shared,
      taskQueue: slowTaskQueue,
      activities: createSlowActivities(deps),
      maxConcurrentActivityTaskExecutions: 200,
    }),
  ])
  const done = Promise.all(workers.map((worker) => worker.run())).then(() => undefined)
  return {
    done,
    async stop() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
      await done
    },
  }
}
