import type { RoutableDestination } from './destination.ts'
import type { Event, JsonObject } from './event.ts'
import { fitsEventType } from './event-types.ts'
import { passesFilter } from './filters.ts'
import { orderKeyOf } from './ordering.ts'
import type { DestinationDecision, Plan, PlannedDelivery } from './plan.ts'
import { defaultTimeoutMs, durationMs } from './retry-schedule.ts'

type Decision = Omit<DestinationDecision, 'destinationId'>

/** Decides who hears of an event, with a reason for every destination of its tenant and environment. Pure. */
export function route(event: Event, destinations: readonly RoutableDestination[]): Plan {
  return planFor(event, destinations, (destination) => decide(event, destination))
}

/** The plan of a replay: the destinations asked for, whatever they subscribe to today, as long as they are active. */
export function routeTo(event: Event, destinations: readonly RoutableDestination[]): Plan {
  return planFor(event, destinations, (destination) => ifActive(destination, 'asked for by name'))
}

/** The plan of a test: one place, whatever it subscribes to and whether or not it is active, and one attempt. */
export function routeTest(target: Omit<PlannedDelivery, 'scheduleMs' | 'opens'>): Plan {
  return {
    steps: [{ kind: 'deliver', deliveries: [opening({ ...target, scheduleMs: [0] })] }],
    routing: [{ destinationId: target.destinationId, matched: true, reason: 'asked for by a test' }],
  }
}

function planFor(
  event: Event,
  destinations: readonly RoutableDestination[],
  decideOn: (destination: RoutableDestination) => Decision,
): Plan {
  const deliveries: PlannedDelivery[] = []
  const routing = destinations.map((destination): DestinationDecision => {
    const decision = decideOn(destination)
    if (decision.matched) deliveries.push(planDelivery(event, destination))
    return { destinationId: destination.id, ...decision }
  })
  return { steps: deliveries.length > 0 ? [{ kind: 'deliver', deliveries }] : [], routing }
}

function decide(event: Event, destination: RoutableDestination): Decision {
  const pattern = destination.subscription.eventTypes.find(
    (glob) => fitsEventType(glob, event.type) && isMeant(glob, event, destination),
  )
  if (pattern === undefined) return { matched: false, reason: 'unmatched: not subscribed to this event type' }
  const subject: JsonObject = { id: event.id, type: event.type, data: event.data }
  if (!passesFilter(destination.subscription.filter, subject)) {
    return { matched: false, reason: 'filtered: the payload does not pass the subscription’s filter' }
  }
  return ifActive(destination, `subscribed to ${pattern}`)
}

/** A receiver that was written for another system knows nothing of operational events: `all` of its contract are not those. */
function isMeant(glob: string, { operational, type }: Event, { contract }: RoutableDestination): boolean {
  return !operational || contract === undefined || glob === type
}

function ifActive({ status, statusReason }: RoutableDestination, reason: string): Decision {
  if (status === 'active') return { matched: true, reason }
  return { matched: false, reason: statusReason ? `${status}: ${statusReason}` : status, missed: true }
}

function planDelivery(event: Event, { id, channel, delivery }: RoutableDestination): PlannedDelivery {
  const { ordering, maxConcurrent } = delivery
  const order = orderKeyOf(event, ordering?.by)
  return opening({
    destinationId: id,
    channel,
    scheduleMs: delivery.schedule.map(durationMs),
    timeoutMs: delivery.timeoutMs,
    ...(order && { order }),
    ...(maxConcurrent !== undefined && { maxConcurrent }),
  })
}

/** One that may take longer than most is not waited for by the others of the opening. */
function opening(planned: Omit<PlannedDelivery, 'opens'>): PlannedDelivery {
  const { scheduleMs, timeoutMs, order, maxConcurrent } = planned
  const waits = (scheduleMs[0] ?? 0) > 0 || order !== undefined || maxConcurrent !== undefined
  return { ...planned, opens: !waits && timeoutMs <= defaultTimeoutMs }
}
