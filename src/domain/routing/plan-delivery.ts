import { definedOnly } from '../defined-only.ts'
import type { RoutableDestination } from '../destination.ts'
import type { Event } from '../event.ts'
import { getOrderKey } from '../delivery/ordering.ts'
import { leadingDeliveries, plannedDeliveries, type PlannedDelivery, type PlannedRule } from './plan.ts'
import { defaultTimeoutMs, durationMs } from '../delivery/retry-schedule.ts'

/** A delivery by the destination's policy. */
export function planDelivery(
  event: Event,
  { id, name, channel, delivery }: RoutableDestination,
): Omit<PlannedDelivery, 'opens'> {
  const { ordering, maxConcurrent } = delivery
  const order = getOrderKey(event, ordering?.by)
  return definedOnly({
    destinationId: id,
    name,
    channel,
    scheduleMs: delivery.schedule.map(durationMs),
    timeoutMs: delivery.timeoutMs,
    order,
    maxConcurrent,
  })
}

/** A delivery that ends as failed at once. */
export function planFault({ id, name, channel }: RoutableDestination, fault: string): PlannedDelivery {
  const timeoutMs = defaultTimeoutMs
  return { destinationId: id, name, channel, scheduleMs: [0], timeoutMs, opens: false, fault }
}

/** Sets whether its first attempt is made at once. */
export function opening(planned: Omit<PlannedDelivery, 'opens'>): PlannedDelivery {
  const { scheduleMs, order, maxConcurrent, fault } = planned
  if (fault !== undefined) return { ...planned, opens: false }
  const waits = (scheduleMs[0] ?? 0) > 0 || order !== undefined || maxConcurrent !== undefined
  return { ...planned, opens: !waits }
}

/**
 * Of an event's deliveries to the same destination, only one takes a position in its order and pace, so that none waits for
 * another one of the same event. It is the first that begins at once, for which the API has reserved the position, or else the
 * first.
 */
export function assignPositions(rules: readonly PlannedRule[]): void {
  const leading = new Set(leadingDeliveries(rules))
  const later = plannedDeliveries(rules).filter((delivery) => !leading.has(delivery))
  const placed = new Set<string>()
  for (const delivery of [...leading, ...later]) {
    if (placed.has(delivery.destinationId)) {
      delivery.again = true
      delete delivery.order
      delete delivery.maxConcurrent
    }
    placed.add(delivery.destinationId)
  }
  for (const delivery of leading) delivery.opens = opening(delivery).opens ?? false
}
