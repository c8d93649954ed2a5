import { Worker, type NativeConnection, type WorkflowBundleOption } from '@temporalio/worker'
import { createActivities, createSlowActivities } from './activities/index.ts'
import type { ActivityDeps } from './activities/deps.ts'
import { createOngoingAttempts } from './activities/attempt/ongoing.ts'
import { createDataConverter, type PayloadKeys } from './temporal/payload-codec.ts'
import { createLag } from './activities/limits/lag.ts'
import { startLagReport } from './activities/limits/lag-report.ts'
import { lagSinks, observeActivities } from './activities/limits/observe-lag.ts'
import { workflowSlots } from './temporal/slots/workflow-slots.ts'
import { loadWorkflowBundle } from './workflow-bundle.ts'
import { slowTaskQueue, taskQueue } from './workflows/contract/task-queues.ts'

export interface WorkersOptions {
  connection: NativeConnection
  namespace: string
  deps: ActivityDeps
  /** Absent: payloads are in the clear. */
  payloadKeys?: PayloadKeys
  /** Replaces the product's workflows. It must have been bundled with the same data converter. */
  workflowBundle?: WorkflowBundleOption
  /** Called when the first workflow task of an eagerly started event is done and recorded. */
  onEagerDone?: () => void
}

export interface RunningWorkers {
  /** Settles when the workers stop: by `stop`, or with the error that ended them. */
  done: Promise<void>
  /** Takes no new work, lets attempts under way finish, then ends. */
  stop(): Promise<void>
}

/** Attempts take up to 30 s (the longest timeout): a stop waits for them, so that none has to be made again. */
const shutdownGraceTime = '35s'

/**
 * Concurrent workflow tasks for events that this process accepts, and for those that it polls. More of them would only make each
 * take longer: these keep two cores busy.
 */
export const eagerSlots = 8
const polledSlots = 16

/** Attempts of the slow lane at once, and how many of them begin in a second: all at once they would take the machine from others. */
const slowLane = { maxConcurrentActivityTaskExecutions: 200, maxActivitiesPerSecond: 25 }

function fixed(numSlots: number) {
  return { type: 'fixed-size', numSlots } as const
}

/** Runs the process's two workers: the main one and the slow lane. */
export async function startWorkers({
  connection,
  namespace,
  deps,
  payloadKeys,
  workflowBundle,
  onEagerDone,
}: WorkersOptions): Promise<RunningWorkers> {
  const dataConverter = createDataConverter(payloadKeys)
  const ongoing = createOngoingAttempts()
  const activityDeps = { ...deps, ongoing }
  const lag = createLag()
  const shared = {
    connection,
    namespace,
    shutdownGraceTime,
    dataConverter,
  } as const
  const workers = await Promise.all([
    Worker.create({
      ...shared,
      taskQueue,
      workflowBundle: workflowBundle ?? (await loadWorkflowBundle(dataConverter)),
      activities: createActivities(activityDeps),
      sinks: lagSinks(lag),
      interceptors: { activity: [observeActivities(lag)] },
      tuner: {
        workflowTaskSlotSupplier: workflowSlots({ eager: eagerSlots, polled: polledSlots, onEagerDone }),
        localActivityTaskSlotSupplier: fixed(eagerSlots + polledSlots),
        activityTaskSlotSupplier: fixed(100),
        nexusTaskSlotSupplier: fixed(1),
      },
    }),
    Worker.create({
      ...shared,
      taskQueue: slowTaskQueue,
      activities: createSlowActivities(activityDeps),
      ...slowLane,
    }),
  ])
  const stopReport = startLagReport({ ...deps, lag })
  const done = Promise.all(workers.map((worker) => worker.run())).then(() => undefined)
  return {
    done,
    async stop() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
      await done
      await Promise.all([ongoing.settled(), stopReport()])
    },
  }
}
