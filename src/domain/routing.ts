import type { RoutableDestination } from './destination.ts'
import type { Event } from './event.ts'
import { fitsEventType } from './event-types.ts'
import { filterSubject, passesFilter } from './filters.ts'
import { aboutDestination } from './operational.ts'
import {
  plannedDeliveries,
  type DestinationDecision,
  type DigestOrders,
  type Routing,
  type PlannedDelivery,
  type PlannedRule,
} from './plan.ts'
import { givePlaces, opening, planDelivery } from './plan-delivery.ts'
import { planRule, tellHowToAcknowledge } from './plan-rule.ts'
import { defaultSchedule, defaultTimeoutMs, durationMs } from './retry-schedule.ts'
import type { Rule, RuleStep } from './rule.ts'
import { deliverSteps } from './rule-walk.ts'
import { decideOnRules, type HeldBack } from './rule-matching.ts'
import { defaultTemplateFor, type TemplateDefault } from './templates.ts'

/** What routing goes by, besides the destinations. */
export interface RoutingRules {
  /** Those that are enabled, in their order. */
  rules?: readonly Rule[]
  templates?: readonly TemplateDefault[]
  /** By rule id: those that matched and are held back. */
  heldBack?: ReadonlyMap<string, HeldBack>
  /** When the event is routed: quiet hours go by it. */
  at?: Date
}

type Decision = Omit<DestinationDecision, 'destinationId'>

/**
 * Decides who hears of an event, with a reason for every destination and rule of its tenant and environment. Where no rule
 * matches, the destinations' subscriptions decide. Pure.
 */
export function route(
  event: Event,
  destinations: readonly RoutableDestination[],
  { rules = [], templates = [], heldBack = new Map(), at = new Date(event.createdAt) }: RoutingRules = {},
): Routing {
  const decisions = decideOnRules(event, rules, heldBack)
  const matched = rules.filter(({ id }) => decisions.some(({ ruleId, matched }) => ruleId === id && matched))
  if (matched.length === 0) {
    const plan = planFor(event, destinations, templates, (destination) => decide(event, destination))
    return { ...plan, routing: [...plan.routing, ...decisions] }
  }
  const acting = matched.filter(({ id }) => !heldBack.has(id))
  const steps = acting.map((rule) => {
    const { name, steps, quietHours = [] } = rule.definition
    return planRule(event, { ...rule, name, steps, quietHours }, { destinations, templates, at })
  })
  givePlaces(steps)
  tellHowToAcknowledge(steps)
  const written = matched.map(({ id, definition }) => ({ ...definition, ...heldBack.get(id) }))
  return { steps, routing: [...decideByRules(event, destinations, steps, written), ...decisions] }
}

/** The plan of a digest: what its rule does after having collected. */
export function routeDigest(
  event: Event,
  destinations: readonly RoutableDestination[],
  { from, ruleId, quietHours = [], ...rule }: DigestOrders,
  { templates = [], at = new Date(event.createdAt) }: Pick<RoutingRules, 'templates' | 'at'>,
): Routing {
  const { version, name } = rule
  const steps = [planRule(event, { ...rule, id: ruleId, quietHours }, { destinations, templates, at, from })]
  givePlaces(steps)
  tellHowToAcknowledge(steps)
  return {
    steps,
    routing: [
      ...decideByRules(event, destinations, steps, [rule]),
      { ruleId, version, name, matched: true, reason: 'has collected it' },
    ],
  }
}

/**
 * The plan of a replay: the destinations asked for, whatever they subscribe to today, as long as they are active. What they
 * are sent is made of the templates of today's rules.
 */
export function routeTo(
  event: Event,
  destinations: readonly RoutableDestination[],
  { rules = [], templates = [] }: Pick<RoutingRules, 'rules' | 'templates'> = {},
): Routing {
  const byRule = plannedDeliveries(route(event, destinations, { rules, templates }).steps)
  const plan = planFor(event, destinations, templates, (destination) =>
    ifActive(destination, 'asked for by name'),
  )
  for (const delivery of plannedDeliveries(plan.steps)) {
    const template = byRule.find(({ destinationId }) => destinationId === delivery.destinationId)?.template
    if (template !== undefined) delivery.template = template
  }
  return plan
}

/** The plan of a test: one place, whatever it subscribes to and whether or not it is active, and one attempt. */
export function routeTest(target: Omit<PlannedDelivery, 'scheduleMs' | 'opens'>): Routing {
  return {
    steps: [{ kind: 'deliver', deliveries: [opening({ ...target, scheduleMs: [0] })] }],
    routing: [{ destinationId: target.destinationId, matched: true, reason: 'asked for by a test' }],
  }
}

/** The plan of asking a recipient to confirm: its destination, whatever that subscribes to and whether or not it is active. */
export function routeConfirmation([destination]: readonly RoutableDestination[]): Routing {
  if (!destination) return { steps: [], routing: [] }
  const { id: destinationId, channel } = destination
  const scheduleMs = defaultSchedule.map(durationMs)
  const delivery = opening({ destinationId, channel, scheduleMs, timeoutMs: defaultTimeoutMs })
  const reason = 'asks one of its recipients to confirm'
  return {
    steps: [{ kind: 'deliver', deliveries: [delivery] }],
    routing: [{ destinationId, matched: true, reason }],
  }
}

function planFor(
  event: Event,
  destinations: readonly RoutableDestination[],
  templates: readonly TemplateDefault[],
  decideOn: (destination: RoutableDestination) => Decision,
): Routing {
  const deliveries: PlannedDelivery[] = []
  const routing = destinations.map((destination): DestinationDecision => {
    const decision = decideOn(destination)
    const template = defaultTemplateFor(templates, event, destination.channel)
    if (decision.matched)
      deliveries.push(opening({ ...planDelivery(event, destination), ...(template && { template }) }))
    return { destinationId: destination.id, ...decision }
  })
  return { steps: deliveries.length > 0 ? [{ kind: 'deliver', deliveries }] : [], routing }
}

function decide(event: Event, destination: RoutableDestination): Decision {
  const pattern = destination.subscription.eventTypes.find(
    (glob) => fitsEventType(glob, event.type) && isMeant(glob, event, destination),
  )
  if (pattern === undefined) return { matched: false, reason: 'unmatched: not subscribed to this event type' }
  if (!passesFilter(destination.subscription.filter, filterSubject(event))) {
    return { matched: false, reason: 'filtered: the payload does not pass the subscription’s filter' }
  }
  if (aboutDestination(event) === destination.id) return { matched: false, reason: aboutItself }
  return ifActive(destination, `subscribed to ${pattern}`)
}

const aboutItself = 'about itself: what became of its own deliveries is told to others'

/** A receiver that was written for another system knows nothing of operational events: `all` of its contract are not those. */
function isMeant(glob: string, { operational, type }: Event, { contract }: RoutableDestination): boolean {
  return !operational || contract === undefined || glob === type
}

function ifActive({ status, statusReason }: RoutableDestination, reason: string): Decision {
  if (status === 'active') return { matched: true, reason }
  return { matched: false, reason: statusReason ? `${status}: ${statusReason}` : status, missed: true }
}

/** A rule that matches, as it is written. */
interface Written {
  name: string
  steps: readonly RuleStep[]
  digest?: object | undefined
  heldBack?: string | undefined
}

/** What rules decide of every destination: whether a step of those that act delivers to it. */
function decideByRules(
  event: Event,
  destinations: readonly RoutableDestination[],
  acting: readonly PlannedRule[],
  written: readonly Written[],
): DestinationDecision[] {
  const planned = plannedDeliveries(acting)
  return destinations.map(({ id }): DestinationDecision => {
    if (aboutDestination(event) === id) return { destinationId: id, matched: false, reason: aboutItself }
    const paths = planned.flatMap(({ destinationId, step }) => (destinationId === id && step ? [step] : []))
    if (paths.length > 0) return { destinationId: id, matched: true, reason: `named by ${paths.join(', ')}` }
    const naming = written.find(({ steps }) =>
      deliverSteps(steps).some(({ deliver }) => deliver.to.includes(id)),
    )
    return { destinationId: id, matched: false, reason: naming ? whyNotBy(naming) : notNamed }
  })
}

const notNamed = 'rules decide: no step of those that match names it'

/** A rule names a destination, and yet has no delivery to it. */
function whyNotBy({ name, steps, digest, heldBack }: Written): string {
  if (heldBack) return `rules decide: “${name}” names it and is ${heldBack}`
  if (digest || steps.some((step) => 'digest' in step))
    return `rules decide: “${name}” names it for its digest, or in a branch that this event does not take`
  return `rules decide: “${name}” names it in a branch that this event does not take`
}
