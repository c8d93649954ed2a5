import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import { assertNever } from '../assert-never.ts'
import type { RoutableDestination } from '../destination.ts'
import type { Event } from '../event.ts'
import type { Verdicts } from '../filters/filters.ts'
import { aboutDestination } from '../operational.ts'
import { getOrderKey } from '../delivery/ordering.ts'
import {
  nestedSteps,
  plannedDeliveries,
  type PlannedDeliver,
  type PlannedDelivery,
  type PlannedRule,
  type PlannedStep,
} from '../routing/plan.ts'
import { noteCauses } from './plan-causes.ts'
import { planDelivery, planFault } from '../routing/plan-delivery.ts'
import { quietUntil } from './quiet-hours.ts'
import { durationMs } from '../delivery/retry-schedule.ts'
import type { DeliverSettings, DigestSettings, QuietHours, QuietWindow, RuleStep } from './rule.ts'
import { deliverSteps, stepsBeforeDigest } from './walk.ts'
import { defaultTemplateFor, type TemplateDefault } from '../templates.ts'

export interface RuleToPlan {
  id: string
  version: number
  name: string
  steps: readonly RuleStep[]
  quietHours: readonly QuietHours[]
  definition?: { digest?: DigestSettings | undefined }
}

export interface PlanningBy {
  destinations: readonly RoutableDestination[]
  templates: readonly TemplateDefault[]
  /** Results of the rule's filters, none of which exceeded its budget. */
  verdicts: Verdicts
  at: Date
  /** The index of the first step within the rule, if the steps are a later part of one. */
  from?: number
}

/** What all steps of one rule share. */
interface Planning extends PlanningBy {
  event: Event
  windows: QuietWindow[]
  rule: readonly RuleStep[]
  from: number
}

/** Whether the current step starts without any wait before it. */
interface Position {
  leads: boolean
}

/** Plans a rule for an event: decides branches, parses durations, adds the destinations' policies. Pure. */
export function planRule(event: Event, rule: RuleToPlan, by: PlanningBy): PlannedRule {
  const { id, version, name, definition } = rule
  const steps = definition?.digest ? [{ digest: definition.digest }, ...rule.steps] : rule.steps
  const own = stepsBeforeDigest(steps)
  const windows = rule.quietHours.filter(({ unless }) => !unless || by.verdicts(unless) !== true)
  const quietHours = windows.map(({ unless: _passed, ...window }) => window)
  const planning: Planning = {
    ...by,
    event,
    windows: quietHours,
    rule: steps,
    // The shorthand precedes the rule's steps, which keep their numbers.
    from: by.from ?? (definition?.digest ? -1 : 0),
  }
  const planned = planSteps(planning, own, `${id}/`, { leads: true }, planning.from)
  noteCauses(planned)
  const quiet = quietHours.length > 0 && { quietHours }
  return { kind: 'rule', ruleId: id, version, name, steps: planned, ...quiet }
}

/**
 * The plan of a rule whose filters could not be evaluated. Nothing is sent, and every delivery that the rule might have made is
 * recorded as failed, so that the log, the lists and operational events show what is missing.
 */
export function planUnevaluated(
  event: Event,
  { id, version, name, steps }: Pick<RuleToPlan, 'id' | 'version' | 'name' | 'steps'>,
  destinations: readonly RoutableDestination[],
  fault: string,
): PlannedRule {
  const path = `${id}/filter`
  const about = aboutDestination(event)
  const named = new Set(deliverSteps(steps).flatMap(({ deliver }) => deliver.to))
  const deliveries = destinations
    .filter((destination) => named.has(destination.id) && destination.id !== about)
    .filter(({ status }) => status === 'active')
    .map((destination) => ({ ...planFault(destination, fault), step: path }))
  return {
    kind: 'rule',
    ruleId: id,
    version,
    name,
    steps: [{ kind: 'deliver', path, deliveries, leads: true }],
  }
}

function planSteps(
  planning: Planning,
  steps: readonly RuleStep[],
  prefix: string,
  position: Position,
  from = 0,
): PlannedStep[] {
  return steps.map((step, index) => planStep(planning, step, stepPath(prefix, index + from), position, index))
}

/** The shorthand `digest`, which precedes the first step, has the path `digest`. */
function stepPath(prefix: string, index: number): string {
  return `${prefix}${index < 0 ? 'digest' : index}`
}

function planStep(
  planning: Planning,
  step: RuleStep,
  path: string,
  position: Position,
  index: number,
): PlannedStep {
  if ('deliver' in step) return planDeliver(planning, step.deliver, path, position)
  if ('branch' in step) {
    const { filter, steps, else: others = [] } = step.branch
    const taken = planning.verdicts(filter) === true ? 'steps' : 'else'
    const list = taken === 'steps' ? steps : others
    return { kind: 'branch', path, taken, steps: planSteps(planning, list, `${path}.${taken}.`, position) }
  }
  position.leads = false
  if ('delay' in step) {
    const { delay } = step
    if (typeof delay === 'string') return { kind: 'delay', path, forMs: durationMs(delay) }
    return { kind: 'delay', path, ...delay }
  }
  if ('awaitAck' in step) {
    const { within, otherwise = [] } = step.awaitAck
    const later = planSteps(planning, otherwise, `${path}.otherwise.`, { leads: false })
    return { kind: 'awaitAck', path, within, withinMs: durationMs(within), otherwise: later }
  }
  if ('digest' in step) {
    const { window, by, max } = step.digest
    const key = getOrderKey(planning.event, by)
    const rest = planning.rule.slice(index + 1)
    const restFrom = planning.from + index + 1
    return {
      kind: 'digest',
      path,
      windowMs: durationMs(window),
      max,
      ...(key && { by, key }),
      ...(planning.windows.length > 0 && { quiet: hashWindows(planning.windows) }),
      rest,
      restFrom,
    }
  }
  if ('stop' in step)
    return { kind: 'stop', path, ...(typeof step.stop === 'string' && { reason: step.stop }) }
  return assertNever(step)
}

/** Short and safe enough for a workflow id. */
function hashWindows(windows: readonly QuietWindow[]): string {
  return createHash('sha256')
    .update(stringify(windows) ?? '')
    .digest('hex')
    .slice(0, 16)
}

function planDeliver(
  planning: Planning,
  deliver: DeliverSettings,
  path: string,
  position: Position,
): PlannedDeliver {
  const { to, template, onFailure, waitFor } = deliver
  const { event, destinations, windows, at } = planning
  const leads = position.leads
  const heldUntil = leads ? quietUntil(windows, at) : undefined
  if (heldUntil || waitFor === 'outcome') position.leads = false
  const about = aboutDestination(event)
  const found = to.flatMap((id) => destinations.find((one) => one.id === id && id !== about) ?? [])
  const missing = to
    .filter((id) => !found.some((one) => one.id === id))
    .map((id) => ({ destinationId: id, reason: id === about ? 'is what it tells of' : 'is no longer there' }))
  const deliveries = found.map((destination) => planNamed(planning, destination, { path, template }))
  return {
    kind: 'deliver',
    path,
    deliveries,
    ...(missing.length > 0 && { missing }),
    ...(leads && { leads }),
    ...(heldUntil && { heldUntil: heldUntil.toISOString() }),
    ...(waitFor && { waitFor }),
    ...(onFailure && { onFailure: planSteps(planning, onFailure, `${path}.onFailure.`, { leads: false }) }),
  }
}

function planNamed(
  { event, templates }: Planning,
  destination: RoutableDestination,
  named: { path: string; template: string | undefined },
): PlannedDelivery {
  const template = named.template ?? defaultTemplateFor(templates, event, destination.channel)
  return { ...planDelivery(event, destination), step: named.path, ...(template && { template }) }
}

/**
 * Messages of a rule that waits for an acknowledgement explain how to acknowledge. If a rule waits before it delivers, recipients
 * learn of the event through the other matching rules, so the messages of all rules explain it.
 */
export function tellHowToAcknowledge(rules: readonly PlannedRule[]): void {
  const reliesOnOthers = rules.some(({ steps }) => waitsUntold(steps))
  const telling = reliesOnOthers ? rules : rules.filter(({ steps }) => awaitsAck(steps))
  for (const delivery of plannedDeliveries(telling)) delivery.acknowledgeable = true
}

function awaitsAck(steps: readonly PlannedStep[]): boolean {
  return steps.some((step) => step.kind === 'awaitAck' || awaitsAck(nestedSteps(step)))
}

/** Whether an `awaitAck` precedes every delivery of these steps. */
function waitsUntold(steps: readonly PlannedStep[]): boolean {
  const first = inOrder(steps).find(
    (step) => step.kind === 'awaitAck' || (step.kind === 'deliver' && step.deliveries.length > 0),
  )
  return first?.kind === 'awaitAck'
}

function inOrder(steps: readonly PlannedStep[]): PlannedStep[] {
  return steps.flatMap((step) => [step, ...inOrder(nestedSteps(step))])
}
