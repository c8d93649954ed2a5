import { durationMs } from './retry-schedule.ts'
import type { DeliverySummary } from './timeline.ts'

/** For so long after its workflow has ended, an event can be acknowledged by those who were asked to (docs/guides/acknowledging.md). */
const lateFor = '7d'

/** Until when an event that ended then can be acknowledged. */
export function acknowledgeableUntil(endedAt: Date): Date {
  return new Date(endedAt.getTime() + durationMs(lateFor))
}

/** Whether a message of these deliveries has told somebody how to acknowledge the event. */
export function asksForAcknowledgement(
  deliveries: readonly Pick<DeliverySummary, 'acknowledgeable' | 'status'>[],
): boolean {
  return deliveries.some(({ acknowledgeable, status }) => acknowledgeable && status !== 'skipped')
}
