import { findVerdicts } from '../compute/find-verdicts.ts'
import type { Db } from '../db/client.ts'
import { routableDestinations, type Scope } from '../db/destinations/destinations.ts'
import { releaseReservation } from '../db/limits/pace.ts'
import { passRule, rulesHoldingBack } from '../db/limits/rule-passes.ts'
import { enabledRules } from '../db/rules.ts'
import { templateDefaults } from '../db/templates.ts'
import { definedOnly } from '../domain/defined-only.ts'
import type { Event } from '../domain/event.ts'
import { readConfirmation } from '../domain/operational.ts'
import { maxPlanBytes } from '../domain/routing/plan-size.ts'
import { leadingDeliveries, plannedDeliveries, type Plan, type Routing } from '../domain/routing/plan.ts'
import { defaultTimeoutMs } from '../domain/delivery/retry-schedule.ts'
import { route, routeConfirmation, routeDigest, routeTest, routeTo } from '../domain/routing/routing.ts'
import { routingFilters } from '../domain/routing/filters.ts'
import type { Rule } from '../domain/rules/rule.ts'
import { ruleFilters } from '../domain/rules/walk.ts'
import { defaultTemplateFor, type TemplateDefault } from '../domain/templates.ts'
import { urlUnderTest, type RouteEventInput } from '../workflows/contract/event.ts'
import type { ActivityDeps } from './deps.ts'

type PlanDeps = Pick<ActivityDeps, 'db' | 'compute' | 'log'>

/** Loads the tenant's configuration and routes the event by it. The plan is recorded in history, the configuration is not. */
export function createPlan(deps: PlanDeps) {
  const { log } = deps
  return async function plan(input: RouteEventInput): Promise<Plan> {
    const { event, replay } = input
    const at = new Date()
    const plan: Plan = { at: at.toISOString(), ...(await decide(deps, input, at)) }
    const bytes = Buffer.byteLength(JSON.stringify(plan))
    if (bytes > maxPlanBytes) return refusePlan(deps, input, plan, bytes)
    await releaseUnused(deps.db, input, plan)
    log.info(
      {
        tenantId: event.tenantId,
        environment: event.environment,
        eventId: event.id,
        eventType: event.type,
        replayId: replay?.id,
        deliveries: plannedDeliveries(plan.steps).length,
        rules: plan.steps.flatMap((step) => (step.kind === 'rule' ? step.ruleId : [])),
        skipped: plan.routing.filter(({ matched }) => !matched).length,
      },
      'event.routed',
    )
    return plan
  }
}

/** Releases the reservations that the API made for deliveries that do not begin now, or not at all. */
async function releaseUnused(db: Db, { places = {} }: RouteEventInput, { steps }: Plan): Promise<void> {
  const used = new Set(leadingDeliveries(steps).map(({ destinationId }) => destinationId))
  for (const [destinationId, { number }] of Object.entries(places))
    if (!used.has(destinationId)) await releaseReservation(db, destinationId, number)
}

/** Ends the event at once with the reason, because Temporal would reject the plan at every retry. */
function refusePlan({ log }: PlanDeps, { event }: RouteEventInput, { at }: Plan, bytes: number): Plan {
  const { tenantId, environment, id: eventId } = event
  log.error({ tenantId, environment, eventId, bytes }, 'event.plan-too-large')
  const fault = `not routed: the plan has ${bytes} bytes, which exceeds the limit of ${maxPlanBytes}. Disable or shorten rules, then replay the event.`
  return { at, steps: [], routing: [], fault }
}

async function decide(
  { db, compute, log }: PlanDeps,
  { event, replay, test, digest }: RouteEventInput,
  at: Date,
): Promise<Routing> {
  if (test && 'url' in test) return planUrlTest(test.url)
  const scope = { tenantId: event.tenantId, environment: event.environment }
  const asking = readConfirmation(event)
  if (asking) return routeConfirmation(await routableDestinations(db, scope, [asking.destinationId]))
  const asked = test ? [test.destinationId] : replay?.destinations
  const [destinations, rules, templates] = await Promise.all([
    routableDestinations(db, scope, asked),
    rulesFor(db, scope, { test, digest }),
    templateDefaults(db, scope),
  ])
  if (test) return planTest(event, destinations, templates)
  const filters = digest ? ruleFilters(digest) : routingFilters(event, destinations, rules)
  const verdicts = await findVerdicts({ compute, log }, event, filters)
  if (asked) return routeTo(event, destinations, { rules, templates, verdicts })
  if (digest) return routeDigest(event, destinations, digest, { templates, verdicts, at })
  const heldBack = await rulesHoldingBack(db, { event, rules, verdicts, at }, passRule)
  return route(event, destinations, { rules, templates, verdicts, heldBack, at })
}

async function rulesFor(
  db: Db,
  scope: Scope,
  { test, digest }: Pick<RouteEventInput, 'test' | 'digest'>,
): Promise<Rule[]> {
  return test || digest ? [] : enabledRules(db, scope)
}

function planUrlTest(url: string): Routing {
  return routeTest({ destinationId: urlUnderTest, channel: 'webhook', timeoutMs: defaultTimeoutMs, url })
}

function planTest(
  event: Event,
  [first]: Awaited<ReturnType<typeof routableDestinations>>,
  templates: readonly TemplateDefault[],
): Routing {
  if (!first) return { steps: [], routing: [] }
  const { id: destinationId, name, channel, delivery } = first
  const template = defaultTemplateFor(templates, event, channel)
  const { timeoutMs } = delivery
  return routeTest(definedOnly({ destinationId, name, channel, timeoutMs, template }))
}
