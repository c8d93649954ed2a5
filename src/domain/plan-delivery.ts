import type { RoutableDestination } from './destination.ts'
import type { Event } from './event.ts'
import { orderKeyOf } from './ordering.ts'
import type { PlannedDelivery } from './plan.ts'
import { defaultTimeoutMs, durationMs } from './retry-schedule.ts'

/** A delivery by the destination's policy. */
export function planDelivery(
  event: Event,
  { id, channel, delivery }: RoutableDestination,
): Omit<PlannedDelivery, 'opens'> {
  const { ordering, maxConcurrent } = delivery
  const order = orderKeyOf(event, ordering?.by)
  return {
    destinationId: id,
    channel,
    scheduleMs: delivery.schedule.map(durationMs),
    timeoutMs: delivery.timeoutMs,
    ...(order && { order }),
    ...(maxConcurrent !== undefined && { maxConcurrent }),
  }
}

/** One that may take longer than most is not waited for by the others of the opening. */
export function opening(planned: Omit<PlannedDelivery, 'opens'>): PlannedDelivery {
  const { scheduleMs, timeoutMs, order, maxConcurrent } = planned
  const waits = (scheduleMs[0] ?? 0) > 0 || order !== undefined || maxConcurrent !== undefined
  return { ...planned, opens: !waits && timeoutMs <= defaultTimeoutMs }
}
