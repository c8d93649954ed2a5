import type { Context } from '@temporalio/activity'
import type { ActivityInboundCallsInterceptor, InjectedSinks } from '@temporalio/worker'
import type { Lag } from './lag.ts'
import type { WorkerSinks } from '../../workflows/contract/sinks.ts'

/** Observes timers. Temporal's clock has set them and says when they fired, so the worker's clock does not matter. */
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

/** The difference between the two clocks is the least delay that was seen within this time. */
const forgetClocksAfterMs = 600_000

/** Counts each tenant's activities, and observes how long they waited for this worker. */
export function observeActivities(
  lag: Lag,
): (context: Context) => { inbound: ActivityInboundCallsInterceptor } {
  let [least, leastAt] = [Infinity, 0]

  /** Temporal's clock says when an activity was scheduled, and the worker's when it begins. */
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
