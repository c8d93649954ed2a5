import { findVerdicts } from '../../compute/find-verdicts.ts'
import { placedDestinations, type Scope } from '../../db/destinations/destinations.ts'
import { releaseReservation, reservePace } from '../../db/limits/pace.ts'
import { enabledRules } from '../../db/rules.ts'
import type { RoutableDestination } from '../../domain/destination.ts'
import type { Event } from '../../domain/event.ts'
import { getOrderKey } from '../../domain/delivery/ordering.ts'
import { leadingDeliveries } from '../../domain/routing/plan.ts'
import { route } from '../../domain/routing/routing.ts'
import { routingFilters } from '../../domain/routing/filters.ts'
import { enterTurn, listOrderQueues } from '../../temporal/turns.ts'
import { eventWorkflowId, type RouteEventInput } from '../../workflows/contract/event.ts'
import type { AppDeps } from '../deps.ts'
import { oneAtATime } from '../http/one-at-a-time.ts'

/** The event's queues and rate-limit slots at destinations with an ordering key or a rate limit. */
export type Places = Pick<RouteEventInput, 'queues' | 'places'>

/** Returns the destinations at which the event will need a queue or a rate-limit slot, as far as is known before routing. */
export async function findPlaced(
  { db, compute, log }: Pick<AppDeps, 'db' | 'compute' | 'log'>,
  scope: Scope,
  event: Event,
): Promise<RoutableDestination[]> {
  const destinations = await placedDestinations(db, scope)
  if (destinations.length === 0) return []
  const rules = await enabledRules(db, scope)
  const filters = routingFilters(event, destinations, rules)
  const verdicts = await findVerdicts({ compute, log }, event, filters)
  const leading = leadingDeliveries(route(event, destinations, { rules, verdicts }).steps)
  return destinations.filter(({ id }) => leading.some(({ destinationId }) => destinationId === id))
}

/**
 * Starts an event with its queues and rate-limit slots, which are taken before the event is acknowledged: events that are posted
 * one after the other are delivered in that order. Only an accepted event keeps its slots; a duplicate and a refused event give them
 * back.
 */
export async function startInPlaces<Accepted extends { duplicate?: true }>(
  deps: Pick<AppDeps, 'db' | 'temporal' | 'log'>,
  event: Event,
  destinations: readonly RoutableDestination[],
  start: (places: Places) => Promise<Accepted>,
): Promise<Accepted> {
  if (destinations.length === 0) return start({})
  // Runs one at a time, because the same event posted many times at once would hold a slot for each post until the duplicates are
  // recognised.
  return oneAtATime(eventWorkflowId({ ...event, eventId: event.id }), async () => {
    const places = await takePlaces(deps, event, destinations)
    let accepted: Accepted | undefined
    try {
      accepted = await start(places)
    } finally {
      if (!accepted || accepted.duplicate) await givePlacesBack(deps, places)
    }
    await enterQueues(deps, event, places)
    return accepted
  })
}

/** Reserves the event's rate-limit slots, and returns them with the names of the queues that `enterQueues` will put it into. */
async function takePlaces(
  { db }: Pick<AppDeps, 'db'>,
  event: Event,
  destinations: readonly RoutableDestination[],
): Promise<Places> {
  const queues = listOrderQueues(event, destinations)
  const places: Places['places'] = {}
  for (const { id, delivery } of destinations) {
    // An event that waits for its turn would waste its rate-limit slot; it takes one when its turn has come.
    const waits = getOrderKey(event, delivery.ordering?.by) !== undefined
    if (delivery.maxPerSecond !== undefined && !waits)
      places[id] = await reservePace(db, id, 1000 / delivery.maxPerSecond)
  }
  return { ...(queues.length > 0 && { queues }), ...(Object.keys(places).length > 0 && { places }) }
}

/** If giving slots back fails, the next events wait briefly for slots that are never used. */
async function givePlacesBack(
  { db, log }: Pick<AppDeps, 'db' | 'log'>,
  { places = {} }: Places,
): Promise<void> {
  for (const [destinationId, { number }] of Object.entries(places)) {
    try {
      await releaseReservation(db, destinationId, number)
    } catch (err) {
      log.warn({ err, destinationId }, 'place.not-released')
    }
  }
}

/**
 * Enters the queues once the event has started. If this fails, the workflow enters them itself a little later. A duplicate enters
 * them as well: the API that started the event may have been killed before it did, and then nothing was acknowledged until now.
 * Entering again changes nothing, and a queue passes over a workflow that needs no turn any more.
 */
async function enterQueues(
  { temporal, log }: Pick<AppDeps, 'temporal' | 'log'>,
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
