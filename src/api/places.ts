import { placedDestinations, type Scope } from '../db/destinations.ts'
import { takePlace } from '../db/pace.ts'
import { enabledRules } from '../db/rules.ts'
import type { RoutableDestination } from '../domain/destination.ts'
import type { Event } from '../domain/event.ts'
import { orderKeyOf } from '../domain/ordering.ts'
import { leadingDeliveries } from '../domain/plan.ts'
import { route } from '../domain/routing.ts'
import { enterTurn, orderQueuesOf } from '../temporal/turns.ts'
import { eventWorkflowId, type RouteEventInput } from '../workflows/contract.ts'
import type { AppDeps } from './app.ts'

/** Where an event stands at destinations that keep an order or a pace. */
export type Places = Pick<RouteEventInput, 'queues' | 'places'>

/** The destinations where an event will need a place, as far as can be told before it is routed. */
export async function findPlaced(
  { db }: Pick<AppDeps, 'db'>,
  scope: Scope,
  event: Event,
): Promise<RoutableDestination[]> {
  const destinations = await placedDestinations(db, scope)
  if (destinations.length === 0) return []
  const rules = await enabledRules(db, scope)
  const leading = leadingDeliveries(route(event, destinations, { rules }).steps)
  return destinations.filter(({ id }) => leading.some(({ destinationId }) => destinationId === id))
}

/**
 * Takes the event's places in paces, and names the queues that `enterQueues` will put it into. Both happen before the event is
 * acknowledged: whoever posts one event after the other finds them delivered in that order.
 */
export async function takePlaces(
  { db }: AppDeps,
  event: Event,
  destinations: readonly RoutableDestination[],
): Promise<Places> {
  const queues = orderQueuesOf(event, destinations)
  const places: Places['places'] = {}
  for (const { id, delivery } of destinations) {
    // Who waits for a turn would lose a place meanwhile; it takes one when the turn has come.
    const waits = orderKeyOf(event, delivery.ordering?.by) !== undefined
    if (delivery.maxPerSecond !== undefined && !waits)
      places[id] = await takePlace(db, id, delivery.maxPerSecond)
  }
  return { ...(queues.length > 0 && { queues }), ...(Object.keys(places).length > 0 && { places }) }
}

/** Once the event is started. Where this fails the workflow does it by itself, a little later. */
export async function enterQueues(
  { temporal, log }: AppDeps,
  event: Event,
  { queues = [] }: Places,
): Promise<void> {
  const workflowId = eventWorkflowId({ ...event, eventId: event.id })
  try {
    await Promise.all(queues.map((queueId) => enterTurn(temporal, { queueId, workflowId, permits: 1 })))
  } catch (err) {
    log.warn({ err, tenantId: event.tenantId, eventId: event.id }, 'event.queue-not-entered')
  }
}
