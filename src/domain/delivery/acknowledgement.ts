import { durationMs } from './retry-schedule.ts'
import type { DeliverySummary } from './timeline.ts'

/**
 * How long after its workflow has ended an event can still be acknowledged by those who were asked to (docs/guides/acknowledging.md).
 */
const lateFor = '7d'

/** The time until which an event that ended then can be acknowledged. */
export function acknowledgeableUntil(endedAt: Date): Date {
  return new Date(endedAt.getTime() + durationMs(lateFor))
}

/** True if a message of these deliveries says how to acknowledge the event. */
export function asksForAcknowledgement(
  deliveries: readonly Pick<DeliverySummary, 'acknowledgeable' | 'status'>[],
): boolean {
  return deliveries.some(({ acknowledgeable, status }) => acknowledgeable && status !== 'skipped')
}
