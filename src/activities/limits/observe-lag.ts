import type { Context } from '@temporalio/activity'
import type { ActivityInboundCallsInterceptor, InjectedSinks } from '@temporalio/worker'
import type { Lag } from './lag.ts'
import type { WorkerSinks } from '../../workflows/contract/sinks.ts'

/** Observes timers. Both times are Temporal's, so the worker's clock does not matter. */
export function lagSinks(lag: Lag): InjectedSinks<WorkerSinks> {
  return {
    lag: {
      timerFired: {
        callDuringReplay: false,
        fn({ priority }, lateMs) {
          if (priority?.fairnessKey) lag.noteDelay(priority.fairnessKey, 'timer', lateMs)
        },
      },
    },
  }
}

/** The least delay seen within this time is taken for the difference between the two clocks. */
const forgetClocksAfterMs = 600_000

/** Counts each tenant's activities and observes how long they waited for this worker. */
export function observeActivities(
  lag: Lag,
): (context: Context) => { inbound: ActivityInboundCallsInterceptor } {
  let [least, leastAt] = [Infinity, 0]

  /** `scheduledAt` is a time of Temporal's clock; the activity begins at a time of the worker's. */
  function toDelay(scheduledAt: number): number {
    const now = Date.now()
    const seen = now - scheduledAt
    if (seen < least || now - leastAt > forgetClocksAfterMs) [least, leastAt] = [seen, now]
    return seen - least
  }

  return ({ info }) => ({
    inbound: {
      execute(input, next) {
        const tenantId = info.priority?.fairnessKey
        if (tenantId) {
          lag.countTask(tenantId)
          if (!info.isLocal && info.attempt === 1)
            lag.noteDelay(tenantId, 'activity', toDelay(info.scheduledTimestampMs))
        }
        return next(input)
      },
    },
  })
}
