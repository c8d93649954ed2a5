import { routableDestinations } from '../db/destinations.ts'
import { defaultTimeoutMs } from '../domain/retry-schedule.ts'
import { plannedDeliveries, type Plan } from '../domain/plan.ts'
import { route, routeTest, routeTo } from '../domain/routing.ts'
import { urlUnderTest, type RouteEventInput } from '../workflows/contract.ts'
import type { ActivityDeps } from './index.ts'

/** Loads the tenant's configuration and routes the event by it. The plan is recorded in history, the configuration is not. */
export function createPlan({ db, log }: Pick<ActivityDeps, 'db' | 'log'>) {
  return async function plan(input: RouteEventInput): Promise<Plan> {
    const { event, replay } = input
    const plan = { at: new Date().toISOString(), ...(await decide(input)) }
    log.info(
      {
        tenantId: event.tenantId,
        environment: event.environment,
        eventId: event.id,
        eventType: event.type,
        replayId: replay?.id,
        deliveries: plannedDeliveries(plan.steps).length,
        skipped: plan.routing.filter(({ matched }) => !matched).length,
      },
      'event.routed',
    )
    return plan
  }

  async function decide({ event, replay, test }: RouteEventInput): Promise<Plan> {
    if (test && 'url' in test) {
      const { url } = test
      return routeTest({ destinationId: urlUnderTest, channel: 'webhook', timeoutMs: defaultTimeoutMs, url })
    }
    const scope = { tenantId: event.tenantId, environment: event.environment }
    const asked = test ? [test.destinationId] : replay?.destinations
    const destinations = await routableDestinations(db, scope, asked)
    const [first] = destinations
    if (test && first) {
      return routeTest({
        destinationId: first.id,
        channel: first.channel,
        timeoutMs: first.delivery.timeoutMs,
      })
    }
    return asked ? routeTo(event, destinations) : route(event, destinations)
  }
}
