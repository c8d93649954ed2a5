import { route, routeTo, type Plan } from '../domain/routing.ts'
import { routableDestinations } from '../db/destinations.ts'
import type { RouteEventInput } from '../workflows/contract.ts'
import type { ActivityDeps } from './index.ts'

/** Loads the tenant's configuration and routes the event by it. The plan is recorded in history, the configuration is not. */
export function createPlan({ db, log }: Pick<ActivityDeps, 'db' | 'log'>) {
  return async function plan({ event, replay }: RouteEventInput): Promise<Plan> {
    const scope = { tenantId: event.tenantId, environment: event.environment }
    const destinations = await routableDestinations(db, scope, replay?.destinations)
    const plan = replay?.destinations ? routeTo(destinations) : route(event, destinations)
    log.info(
      {
        tenantId: event.tenantId,
        environment: event.environment,
        eventId: event.id,
        eventType: event.type,
        replayId: replay?.id,
        deliveries: plan.steps.flatMap((step) => step.deliveries).length,
        skipped: plan.routing.filter(({ matched }) => !matched).length,
      },
      'event.routed',
    )
    return plan
  }
}
