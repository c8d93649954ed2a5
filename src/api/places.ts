import { placedDestinations, type Scope } from '../db/destinations.ts'
import { takePlace } from '../db/pace.ts'
import type { RoutableDestination } from '../domain/destination.ts'
import type { Event } from '../domain/event.ts'
import { route, type PlannedDelivery } from '../domain/routing.ts'
import { enterTurn } from '../temporal/turns.ts'
import { eventWorkflowId, turnsWorkflowId, type RouteEventInput } from '../workflows/contract.ts'
import type { AppDeps } from './app.ts'

/** Where an event stands at destinations that keep an order or a pace. */
export type Places = Pick<RouteEventInput, 'queues' | 'places'>

/** What an event will be delivered to where places matter, as far as can be told before it is routed. */
export interface Placed {
  deliveries: PlannedDelivery[]
  destinations: RoutableDestination[]
}

export async function findPlaced({ db }: Pick<AppDeps, 'db'>, scope: Scope, event: Event): Promise<Placed> {
  const destinations = await placedDestinations(db, scope)
  if (destinations.length === 0) return { deliveries: [], destinations }
  return { deliveries: route(event, destinations).steps.flatMap((step) => step.deliveries), destinations }
}

/**
 * Takes the event's places in paces, and names the queues that `enterQueues` will put it into. Both happen before the event is
 * acknowledged: whoever posts one event after the other finds them delivered in that order.
 */
export async function takePlaces(
  { db }: AppDeps,
  event: Event,
  { deliveries, destinations }: Placed,
): Promise<Places> {
  const places: Places['places'] = {}
  for (const { destinationId } of deliveries) {
    const { maxPerSecond } = destinations.find(({ id }) => id === destinationId)?.delivery ?? {}
    if (maxPerSecond !== undefined) places[destinationId] = await takePlace(db, destinationId, maxPerSecond)
  }
  const queues = deliveries.flatMap(({ destinationId, order }) =>
    order ? [turnsWorkflowId(event, destinationId, order.hash)] : [],
  )
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
