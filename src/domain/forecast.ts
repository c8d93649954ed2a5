import { assertNever } from './assert-never.ts'
import type {
  DeliverStep,
  Routing,
  PlannedDeliver,
  PlannedDelivery,
  PlannedRule,
  PlannedStep,
  RoutingDecision,
} from './plan.ts'
import { quietUntil } from './quiet-hours.ts'
import type { QuietWindow, RuleStep } from './rule.ts'
import { nextTimeOfDay } from './zoned-time.ts'

/** A plan with its times, for people. All of them are ISO 8601, UTC. */
export interface ForecastPlan {
  at: string
  steps: (ForecastDeliveries | ForecastRule)[]
  routing: RoutingDecision[]
}

/** To those who subscribe. */
export interface ForecastDeliveries {
  kind: 'deliver'
  at: string
  deliveries: ForecastDelivery[]
}

export interface ForecastRule extends Pick<PlannedRule, 'kind' | 'ruleId' | 'version' | 'name'> {
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
  | { kind: 'awaitAck'; within: string; otherwise: ForecastStep[] }
  | { kind: 'branch'; taken: 'steps' | 'else'; steps: ForecastStep[] }
  | { kind: 'digest'; max: number; key?: string; then: RuleStep[] }
  | { kind: 'stop'; reason?: string }

export interface ForecastDelivery extends Pick<PlannedDelivery, 'destinationId' | 'channel' | 'template'> {
  name?: string
}

/** How far a list of steps has come: a moment, or what it hangs on. */
type Clock = { at: Date } | { after: string; stopped?: true }

interface Forecasting {
  windows: readonly QuietWindow[]
  nameOf: (destinationId: string) => string | undefined
}

/**
 * When each step of a plan would begin and end, if nobody acknowledged the event and every first attempt arrived at once. What
 * follows a failure has no time. Pure.
 */
export function forecast(
  { steps, routing }: Routing,
  at: Date,
  nameOf: Forecasting['nameOf'] = () => undefined,
): ForecastPlan {
  const now = at.toISOString()
  return { at: now, steps: steps.map((step) => forecastTop(step, at, nameOf)), routing: [...routing] }
}

function forecastTop(step: DeliverStep | PlannedRule, at: Date, nameOf: Forecasting['nameOf']) {
  const now = at.toISOString()
  if (step.kind === 'deliver')
    return { kind: step.kind, at: now, deliveries: showDeliveries(step.deliveries, nameOf) }
  const { kind, ruleId, version, name, quietHours: windows = [] } = step
  return {
    kind,
    ruleId,
    version,
    name,
    at: now,
    steps: forecastSteps({ windows, nameOf }, step.steps, { at }).steps,
  }
}

/** One after the other: each begins when the one before it lets it. */
function forecastSteps(by: Forecasting, planned: readonly PlannedStep[], clock: Clock) {
  const steps = planned.map((step): ForecastStep => {
    const { until, then, detail } = forecastStep(by, step, clock)
    const begins = 'at' in clock ? { at: clock.at.toISOString() } : { after: clock.after }
    clock = then
    return { path: step.path, ...begins, ...(until && { until: until.toISOString() }), ...detail }
  })
  return { steps, then: clock }
}

interface Forecasted {
  /** When what it waits for is over. */
  until?: Date | undefined
  /** When the next step begins. */
  then: Clock
  detail: StepDetail
}

function forecastStep(by: Forecasting, step: PlannedStep, clock: Clock): Forecasted {
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
      return { until, then: clock, detail: { kind, max, ...(key && { key: key.text }), then: rest } }
    }
    case 'stop': {
      const { kind, path, reason } = step
      const detail = { kind, ...(reason !== undefined && { reason }) }
      return { then: { after: `never: ${path} stops the rule`, stopped: true }, detail }
    }
    default:
      return assertNever(step)
  }
}

/** The next step waits for the end of quiet hours, and for no delivery that arrives at once. */
function forecastDeliver(
  by: Forecasting,
  { kind, path, deliveries, missing, waitFor, onFailure }: PlannedDeliver,
  clock: Clock,
): Forecasted {
  const until = 'at' in clock ? quietUntil(by.windows, clock.at) : undefined
  const failed = { after: `when a delivery of ${path} has failed` }
  const detail = {
    kind,
    deliveries: showDeliveries(deliveries, by.nameOf),
    ...(missing && { missing }),
    ...(waitFor && { waitFor }),
    ...(onFailure && { onFailure: forecastSteps(by, onFailure, failed).steps }),
  }
  return { until, then: until ? { at: until } : clock, detail }
}

function forecastDelay(step: PlannedStep & { kind: 'delay' }, clock: Clock): Forecasted {
  const { kind } = step
  if ('forMs' in step) {
    const until = later(clock, step.forMs)
    return { until, then: until ? { at: until } : clock, detail: { kind, forMs: step.forMs } }
  }
  const { until: untilTime, timezone } = step
  const until = 'at' in clock ? nextTimeOfDay({ until: untilTime, timezone }, clock.at) : undefined
  return { until, then: until ? { at: until } : clock, detail: { kind, untilTime, timezone } }
}

function forecastAck(
  by: Forecasting,
  { kind, path, within, withinMs, otherwise }: PlannedStep & { kind: 'awaitAck' },
  clock: Clock,
): Forecasted {
  const until = later(clock, withinMs)
  const { steps, then } = forecastSteps(by, otherwise, until ? { at: until } : clock)
  const acknowledged = { after: `if the event is acknowledged within ${within} at ${path}` }
  const stopped = 'stopped' in then && !('stopped' in clock)
  return { until, then: stopped ? acknowledged : then, detail: { kind, within, otherwise: steps } }
}

function later(clock: Clock, byMs: number): Date | undefined {
  return 'at' in clock ? new Date(clock.at.getTime() + byMs) : undefined
}

function showDeliveries(
  deliveries: readonly PlannedDelivery[],
  nameOf: Forecasting['nameOf'],
): ForecastDelivery[] {
  return deliveries.map(({ destinationId, channel, template }) => {
    const name = nameOf(destinationId)
    return {
      destinationId,
      channel,
      ...(name !== undefined && { name }),
      ...(template !== undefined && { template }),
    }
  })
}
