import { definedOnly } from '../defined-only.ts'
import { assertNever } from '../assert-never.ts'
import {
  plannedDeliveries,
  type PlannedDeliver,
  type PlannedDelivery,
  type PlannedRule,
  type PlannedStep,
  type Routing,
  type RoutingDecision,
} from './plan.ts'
import { quietUntil } from '../rules/quiet-hours.ts'
import type { QuietWindow, RuleStep } from '../rules/rule.ts'
import { nextTimeOfDay } from '../rules/zoned-time.ts'

/** A plan with its times, for people. All of them are ISO 8601, UTC. */
export interface ForecastPlan {
  at: string
  steps: (ForecastDeliveries | ForecastRule)[]
  routing: RoutingDecision[]
}

/** Deliveries to subscribers. */
interface ForecastDeliveries {
  kind: 'deliver'
  at: string
  deliveries: ForecastDelivery[]
}

interface ForecastRule extends Pick<PlannedRule, 'kind' | 'ruleId' | 'version' | 'name'> {
  at: string
  steps: ForecastStep[]
}

/** When a step begins: at a time, or after something that may happen at any time or not at all. */
interface Beginning {
  at?: string
  after?: string
}

export type ForecastStep = { path: string; until?: string } & Beginning & StepDetail

type StepDetail =
  | (Pick<PlannedDeliver, 'kind' | 'missing' | 'waitFor'> & {
      deliveries: ForecastDelivery[]
      onFailure?: ForecastStep[]
    })
  | { kind: 'delay'; forMs?: number; untilTime?: string; timezone?: string }
  | { kind: 'awaitAck'; within: string; warning?: string; otherwise: ForecastStep[] }
  | { kind: 'branch'; taken: 'steps' | 'else'; steps: ForecastStep[] }
  | { kind: 'digest'; max: number; key?: string; then: RuleStep[] }
  | { kind: 'stop'; reason?: string }

export interface ForecastDelivery
  extends Pick<PlannedDelivery, 'destinationId' | 'channel' | 'template'>, DeliveryOutlook {}

/** What is known now about a delivery, in addition to its plan. */
export interface DeliveryOutlook {
  /** The destination's name. */
  name?: string
  /** Why nothing would be sent. */
  skipped?: string
  /** The recipients who would be left out, and why. */
  leftOut?: string
  /** Why the default message would be sent instead of the template's. */
  templateFault?: string
}

/** The position in a list of steps: a time, or the condition that it depends on. */
type Clock = { at: Date } | { after: string; stopped?: true }

type LookAhead = (delivery: PlannedDelivery) => DeliveryOutlook

/** State shared by the steps of one rule, which are visited in the order in which they would run. */
interface ForecastContext {
  windows: readonly QuietWindow[]
  lookAhead: LookAhead
  /** Other acting rules deliver the event. */
  othersTell: boolean
  /** A step of this rule before the one at hand does. */
  told: boolean
}

/**
 * When each step of a plan would begin and end if nobody acknowledged the event and every first attempt succeeded at once. Steps
 * after a failure have no time, unless it is already known that some of the step's deliveries would not be made. Pure.
 */
export function forecast(
  { steps, routing }: Routing,
  at: Date,
  lookAhead: LookAhead = () => ({}),
): ForecastPlan {
  const now = at.toISOString()
  const rules = steps.filter((step) => step.kind === 'rule')
  const shown = steps.map((step) => {
    if (step.kind === 'deliver')
      return { kind: step.kind, at: now, deliveries: showDeliveries(step.deliveries, lookAhead) }
    const others = plannedDeliveries(rules.filter((rule) => rule !== step))
    return forecastRule(step, at, { lookAhead, othersTell: others.some((one) => isMade(one, lookAhead)) })
  })
  return { at: now, steps: shown, routing: [...routing] }
}

function forecastRule(
  rule: PlannedRule,
  at: Date,
  around: Pick<ForecastContext, 'lookAhead' | 'othersTell'>,
): ForecastRule {
  const { kind, ruleId, version, name, quietHours: windows = [] } = rule
  const { steps } = forecastSteps({ ...around, windows, told: false }, rule.steps, { at })
  return { kind, ruleId, version, name, at: at.toISOString(), steps }
}

function isMade(delivery: PlannedDelivery, lookAhead: LookAhead): boolean {
  return lookAhead(delivery).skipped === undefined
}

/** One after the other: each begins when the one before it lets it. */
function forecastSteps(by: ForecastContext, planned: readonly PlannedStep[], clock: Clock) {
  const steps = planned.map((step): ForecastStep => {
    const { until, then, detail } = forecastStep(by, step, clock)
    const begins = 'at' in clock ? { at: clock.at.toISOString() } : { after: clock.after }
    clock = then
    return definedOnly({ path: step.path, ...begins, until: until?.toISOString(), ...detail })
  })
  return { steps, then: clock }
}

interface StepForecast {
  /** The end of the step's wait. */
  until?: Date
  /** When the next step begins. */
  then: Clock
  detail: StepDetail
}

function forecastStep(by: ForecastContext, step: PlannedStep, clock: Clock): StepForecast {
  switch (step.kind) {
    case 'deliver':
      return forecastDeliver(by, step, clock)
    case 'delay':
      return forecastDelay(step, clock)
    case 'awaitAck':
      return forecastAck(by, step, clock)
    case 'branch': {
      const { steps, then } = forecastSteps(by, step.steps, clock)
      return { then, detail: { kind: step.kind, taken: step.taken, steps } }
    }
    case 'digest': {
      const { kind, windowMs, max, key, rest } = step
      const until = later(clock, windowMs)
      return { until, then: clock, detail: definedOnly({ kind, max, key: key?.text, then: rest }) }
    }
    case 'stop': {
      const { kind, path, reason } = step
      const detail = definedOnly({ kind, reason })
      return { then: { after: `never: ${path} stops the rule`, stopped: true }, detail }
    }
    default:
      return assertNever(step)
  }
}

/**
 * The next step waits for the end of quiet hours, and for no delivery, unless it is to wait for the outcome. What follows a failure
 * begins once the step's first attempts are made if one of its deliveries is not.
 */
function forecastDeliver(by: ForecastContext, step: PlannedDeliver, clock: Clock): StepForecast {
  const { kind, path, deliveries, missing, waitFor, onFailure = [] } = step
  const until = 'at' in clock ? quietUntil(by.windows, clock.at) : undefined
  const begun: Clock = until ? { at: until } : clock
  const made = deliveries.filter((delivery) => isMade(delivery, by.lookAhead))
  if (made.length > 0) by.told = true
  const fails = made.length < deliveries.length || missing !== undefined
  const over = after(begun, Math.max(0, ...deliveries.map(({ scheduleMs }) => scheduleMs[0] ?? 0)))
  const failed = fails ? over : { after: `when a delivery of ${path} has failed` }
  const following = forecastSteps(by, onFailure, failed)
  const detail = definedOnly({
    kind,
    deliveries: showDeliveries(deliveries, by.lookAhead),
    missing,
    waitFor,
    ...(step.onFailure && { onFailure: following.steps }),
  })
  return { until, then: waitFor ? (fails ? following.then : over) : begun, detail }
}

/** So much later, where the beginning has a time. */
function after(clock: Clock, forMs: number): Clock {
  const until = later(clock, forMs)
  return until ? { at: until } : clock
}

function forecastDelay(step: PlannedStep & { kind: 'delay' }, clock: Clock): StepForecast {
  const { kind } = step
  if ('forMs' in step) {
    const until = later(clock, step.forMs)
    return { until, then: after(clock, step.forMs), detail: { kind, forMs: step.forMs } }
  }
  const { until: untilTime, timezone } = step
  const until = 'at' in clock ? nextTimeOfDay({ until: untilTime, timezone }, clock.at) : undefined
  return { until, then: until ? { at: until } : clock, detail: { kind, untilTime, timezone } }
}

function forecastAck(
  by: ForecastContext,
  { kind, path, within, withinMs, otherwise }: PlannedStep & { kind: 'awaitAck' },
  clock: Clock,
): StepForecast {
  const until = later(clock, withinMs)
  const warning = by.told ? undefined : by.othersTell ? toldByOthers : toldByNone
  const { steps, then } = forecastSteps(by, otherwise, after(clock, withinMs))
  const acknowledged = { after: `if the event is acknowledged within ${within} at ${path}` }
  const stopped = 'stopped' in then && !('stopped' in clock)
  const detail = definedOnly({ kind, within, warning, otherwise: steps })
  return { until, then: stopped ? acknowledged : then, detail }
}

const toldByOthers = 'before it waits, this rule sends the event to no destination: only other rules do'
const toldByNone = 'the event is sent to no destination before this rule waits for its acknowledgement'

function later(clock: Clock, byMs: number): Date | undefined {
  return 'at' in clock ? new Date(clock.at.getTime() + byMs) : undefined
}

function showDeliveries(deliveries: readonly PlannedDelivery[], lookAhead: LookAhead): ForecastDelivery[] {
  return deliveries.map((delivery) => {
    const { destinationId, channel, template } = delivery
    return definedOnly({ destinationId, channel, template, ...lookAhead(delivery) })
  })
}
