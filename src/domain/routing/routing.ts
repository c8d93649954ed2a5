import { definedOnly } from '../defined-only.ts'
import type { RoutableDestination } from '../destination.ts'
import type { Event } from '../event.ts'
import { fitsEventType } from './event-types.ts'
import { evaluateFilters, type Verdicts } from '../filters/filters.ts'
import { aboutDestination } from '../operational.ts'
import {
  plannedDeliveries,
  type DestinationDecision,
  type DigestOrders,
  type Routing,
  type PlannedDelivery,
  type PlannedRule,
} from './plan.ts'
import { assignPositions, opening, planDelivery, planFault } from './plan-delivery.ts'
import { planRule, planUnevaluated, tellHowToAcknowledge } from '../rules/plan.ts'
import { defaultSchedule, defaultTimeoutMs, durationMs } from '../delivery/retry-schedule.ts'
import type { Rule, RuleStep } from '../rules/rule.ts'
import { deliverSteps, ruleFilters } from '../rules/walk.ts'
import { decideOnRules, overBudget, type HeldBack } from '../rules/matching.ts'
import { defaultTemplateFor, type TemplateDefault } from '../templates.ts'

/** The inputs of routing besides the destinations. */
export interface RoutingRules {
  /** Enabled rules, in their order. */
  rules?: readonly Rule[]
  templates?: readonly TemplateDefault[]
  /** Rules that matched and are held back, by rule id. */
  heldBack?: ReadonlyMap<string, HeldBack>
  /** The verdicts of the filters. By default they are evaluated here, without a time limit. */
  verdicts?: Verdicts
  /** When the event is routed: quiet hours go by it. */
  at?: Date
}

type Decision = Omit<DestinationDecision, 'destinationId'> & {
  /** It gets a delivery that fails at once. */
  fault?: string
}

/**
 * Decides who hears of an event, with a reason for every destination and rule of its tenant and environment. Where no rule
 * matches, the destinations' subscriptions decide. Pure.
 */
export function route(
  event: Event,
  destinations: readonly RoutableDestination[],
  {
    rules = [],
    templates = [],
    heldBack: counted = new Map(),
    verdicts = evaluateFilters(event),
    at = new Date(event.createdAt),
  }: RoutingRules = {},
): Routing {
  const decisions = decideOnRules(event, rules, { heldBack: counted, verdicts })
  const matched = rules.filter(({ id }) => decisions.some(({ ruleId, matched }) => ruleId === id && matched))
  if (matched.length === 0) {
    const plan = planFor(event, destinations, templates, (destination) =>
      decide(event, destination, verdicts),
    )
    return { ...plan, routing: [...plan.routing, ...decisions] }
  }
  const heldBack = new Map(decisions.flatMap((one) => (one.heldBack ? [[one.ruleId, one]] : [])))
  const steps = matched.flatMap((rule) => {
    const { name, steps, quietHours = [] } = rule.definition
    const held = heldBack.get(rule.id)
    const planned = { ...rule, name, steps, quietHours }
    if (held?.heldBack === 'over-budget') return planUnevaluated(event, planned, destinations, held.reason)
    return held ? [] : planRule(event, planned, { destinations, templates, verdicts, at })
  })
  assignPositions(steps)
  tellHowToAcknowledge(steps)
  const written = matched.map(({ id, definition }) => ({ ...definition, ...heldBack.get(id) }))
  return { steps, routing: [...decideByRules(event, destinations, steps, written), ...decisions] }
}

/** The plan of a digest: what its rule does after having collected. */
export function routeDigest(
  event: Event,
  destinations: readonly RoutableDestination[],
  { from, ruleId, quietHours = [], ...rule }: DigestOrders,
  {
    templates = [],
    verdicts = evaluateFilters(event),
    at = new Date(event.createdAt),
  }: Pick<RoutingRules, 'templates' | 'verdicts' | 'at'>,
): Routing {
  const { version, name } = rule
  const planned = { ...rule, id: ruleId, quietHours }
  const fault = overBudget(ruleFilters(planned), verdicts)
  const steps = [
    fault === undefined
      ? planRule(event, planned, { destinations, templates, verdicts, at, from })
      : planUnevaluated(event, planned, destinations, fault),
  ]
  assignPositions(steps)
  tellHowToAcknowledge(steps)
  return {
    steps,
    routing: [
      ...decideByRules(event, destinations, steps, [rule]),
      { ruleId, version, name, matched: true, reason: 'collected by this rule’s digest' },
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
  { rules = [], templates = [], verdicts }: Pick<RoutingRules, 'rules' | 'templates' | 'verdicts'> = {},
): Routing {
  const byRule = plannedDeliveries(route(event, destinations, { rules, templates, verdicts }).steps)
  const plan = planFor(event, destinations, templates, (destination) =>
    ifActive(destination, 'requested by name'),
  )
  for (const delivery of plannedDeliveries(plan.steps)) {
    const template = byRule.find(({ destinationId }) => destinationId === delivery.destinationId)?.template
    if (template !== undefined) delivery.template = template
  }
  return plan
}

/** The plan of a test: one destination and one attempt, whatever it subscribes to and whether or not it is active. */
export function routeTest(target: Omit<PlannedDelivery, 'scheduleMs' | 'opens'>): Routing {
  return {
    steps: [{ kind: 'deliver', deliveries: [opening({ ...target, scheduleMs: [0] })] }],
    routing: [{ destinationId: target.destinationId, matched: true, reason: 'requested by a test' }],
  }
}

/** The plan of asking a recipient to confirm: its destination, whatever that subscribes to and whether or not it is active. */
export function routeConfirmation([destination]: readonly RoutableDestination[]): Routing {
  if (!destination) return { steps: [], routing: [] }
  const { id: destinationId, name, channel } = destination
  const scheduleMs = defaultSchedule.map(durationMs)
  const delivery = opening({ destinationId, name, channel, scheduleMs, timeoutMs: defaultTimeoutMs })
  const reason = 'confirmation request to one of its recipients'
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
    const { fault, ...decision } = decideOn(destination)
    const template = defaultTemplateFor(templates, event, destination.channel)
    if (fault !== undefined) deliveries.push(planFault(destination, fault))
    if (decision.matched)
      deliveries.push(opening(definedOnly({ ...planDelivery(event, destination), template })))
    return { destinationId: destination.id, ...decision }
  })
  return { steps: deliveries.length > 0 ? [{ kind: 'deliver', deliveries }] : [], routing }
}

function decide(event: Event, destination: RoutableDestination, verdicts: Verdicts): Decision {
  const pattern = destination.subscription.eventTypes.find(
    (glob) => fitsEventType(glob, event.type) && includesOperational(glob, event, destination),
  )
  if (pattern === undefined) return { matched: false, reason: 'unmatched: not subscribed to this event type' }
  const verdict = verdicts(destination.subscription.filter)
  if (verdict === false) {
    return { matched: false, reason: 'filtered: the payload does not match the subscription’s filter' }
  }
  if (aboutDestination(event) === destination.id) return { matched: false, reason: aboutItself }
  if (typeof verdict === 'object' && destination.status === 'active')
    return { matched: false, reason: verdict.overBudget, fault: verdict.overBudget }
  return ifActive(destination, `subscribed to ${pattern}`)
}

const aboutItself = 'about itself: operational events are not sent to the destination that they concern'

/** A receiver written for another system does not know operational events, so `all` of an adopted contract excludes them. */
function includesOperational(
  glob: string,
  { operational, type }: Event,
  { contract }: RoutableDestination,
): boolean {
  return !operational || contract === undefined || glob === type
}

function ifActive({ status, statusReason }: RoutableDestination, reason: string): Decision {
  if (status === 'active') return { matched: true, reason }
  return { matched: false, reason: statusReason ? `${status}: ${statusReason}` : status, missed: true }
}

/** A rule that matches, as it is written. */
interface MatchingRule {
  name: string
  steps: readonly RuleStep[]
  digest?: object
  heldBack?: string
}

/** The rules' decision on every destination: whether a step of an acting rule delivers to it. */
function decideByRules(
  event: Event,
  destinations: readonly RoutableDestination[],
  acting: readonly PlannedRule[],
  written: readonly MatchingRule[],
): DestinationDecision[] {
  const planned = plannedDeliveries(acting).filter(({ fault }) => fault === undefined)
  return destinations.map(({ id }): DestinationDecision => {
    if (aboutDestination(event) === id) return { destinationId: id, matched: false, reason: aboutItself }
    const paths = planned.flatMap(({ destinationId, step }) => (destinationId === id && step ? [step] : []))
    if (paths.length > 0) return { destinationId: id, matched: true, reason: `named by ${paths.join(', ')}` }
    const naming = written.find(({ steps }) =>
      deliverSteps(steps).some(({ deliver }) => deliver.to.includes(id)),
    )
    return { destinationId: id, matched: false, reason: naming ? explainUnmatched(naming) : notNamed }
  })
}

const notNamed = 'routed by rules: no step of a matching rule names it'

/** A rule names a destination, and yet has no delivery to it. */
function explainUnmatched({ name, steps, digest, heldBack }: MatchingRule): string {
  if (heldBack) return `routed by rules: “${name}” names it and is ${heldBack.replace('-', ' ')}`
  if (digest || steps.some((step) => 'digest' in step))
    return `routed by rules: “${name}” names it only in its digest or in a branch that this event does not take`
  return `routed by rules: “${name}” names it only in a branch that this event does not take`
}
