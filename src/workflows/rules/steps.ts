import { assertNever } from '../../domain/assert-never.ts'
import type { PlannedDeliver, PlannedRule, PlannedStep } from '../../domain/routing/plan.ts'
import {
  type StepRecord,
  beginStep,
  endStep,
  goOnInStep,
  waitInStep,
} from '../../domain/rules/step-record.ts'
import type { Delivery } from '../../domain/delivery/timeline.ts'
import { waitSummary } from '../../domain/delivery/trace.ts'
import { timing } from '../activity-options.ts'
import type { Hold } from '../deliver.ts'
import { type Opening, deliverStep, openWith } from '../deliver-all.ts'
import { joinDigest } from './join-digest.ts'
import type { Over, Run } from '../run/types.ts'
import type { RuleRun } from './rule-run.ts'

/** Runs the rules that act, side by side. What waits for nothing is made together, before anything else. */
export async function runRules(run: Run, rules: readonly PlannedRule[]): Promise<void> {
  const opening = await openWith(run, rules)
  await Promise.all(rules.map((rule) => runRule(run, rule, opening)))
}

/** What ends a list of steps early. */
interface Endings {
  /** No further step begins, and none waits any longer. */
  steps: Over
  /** Deliveries that have begun end as well: in quiet hours, in a queue or before their next attempt. */
  deliveries: Over
}

async function runRule(run: Run, rule: PlannedRule, opening: Opening): Promise<void> {
  const doing: RuleRun = { run, rule, opening, behind: [] }
  const endings: Endings = { steps: () => doing.stopped ?? run.requests.over(), deliveries: () => undefined }
  await runSteps(doing, rule.steps, endings)
  // What goes on may add to what goes on.
  for (let at = 0; at < doing.behind.length; at++) await doing.behind[at]
}

async function runSteps(doing: RuleRun, steps: readonly PlannedStep[], endings: Endings): Promise<void> {
  for (const step of steps) {
    const record = beginStep(doing.run.timeline, step, doing.run.clock.now())
    const why = endings.steps()
    if (why === undefined) await runStep(doing, step, record, endings)
    else endStep(record, 'skipped', doing.run.clock.now(), why)
  }
}

function runStep(
  doing: RuleRun,
  step: PlannedStep,
  record: StepRecord,
  endings: Endings,
): Promise<void> | void {
  switch (step.kind) {
    case 'deliver':
      return runDeliver(doing, step, record, endings)
    case 'delay':
      return runDelay(doing, step, record, endings.steps)
    case 'awaitAck':
      return runAwaitAck(doing, step, record, endings)
    case 'branch':
      endStep(
        record,
        'done',
        doing.run.clock.now(),
        step.taken === 'steps' ? 'passes the filter' : 'does not pass the filter',
      )
      return runSteps(doing, step.steps, endings)
    case 'digest':
      return joinDigest(doing, step, record, endings.steps)
    case 'stop':
      doing.stopped = `stopped by ${step.path}${step.reason === undefined ? '' : `: ${step.reason}`}`
      return endStep(record, 'done', doing.run.clock.now(), step.reason)
    default:
      return assertNever(step)
  }
}

/** Begins its deliveries. The next step does not wait for them, unless it is to; quiet hours hold up the rule itself. */
async function runDeliver(
  doing: RuleRun,
  step: PlannedDeliver,
  record: StepRecord,
  endings: Endings,
): Promise<void> {
  const { run, opening, behind } = doing
  const hold = await holdFor(doing, step)
  if (hold) waitInStep(record, hold.until, hold.reason)
  const made = deliverStep(run, step.deliveries, { opening, hold, over: endings.deliveries })
  const after = made.then((deliveries) => followUp(doing, step, record, deliveries, endings))
  after.catch(() => undefined) // It is given up with the workflow, and waited for below or at the rule's end.
  if (hold) {
    await pause(doing, hold.forMs, endings.steps, 'quiet hours end')
    goOnInStep(record)
  }
  if (step.waitFor === 'outcome') await after
  else behind.push(after)
}

async function followUp(
  doing: RuleRun,
  step: PlannedDeliver,
  record: StepRecord,
  deliveries: readonly Delivery[],
  endings: Endings,
): Promise<void> {
  const arrived = deliveries.filter(({ status }) => status === 'delivered').length
  const wanted = step.deliveries.length + (step.missing?.length ?? 0)
  const missing = step.missing?.map(({ destinationId, reason }) => `; ${destinationId} ${reason}`) ?? []
  const ended = arrived < wanted ? endings.deliveries() : undefined
  if (ended !== undefined && arrived === 0) endStep(record, 'skipped', doing.run.clock.now(), ended)
  else {
    const rest = ended === undefined ? '' : `; ${ended}`
    endStep(
      record,
      'done',
      doing.run.clock.now(),
      `${arrived} of ${wanted} delivered${missing.join('')}${rest}`,
    )
  }
  if (arrived < wanted) await runSteps(doing, step.onFailure ?? [], endings)
}

/** What leads a rule was asked about when the event was routed. */
async function holdFor(
  { run, rule }: RuleRun,
  { leads, heldUntil }: PlannedDeliver,
): Promise<Hold | undefined> {
  if (leads)
    return heldUntil === undefined
      ? undefined
      : holdUntil(heldUntil, Date.parse(heldUntil) - run.clock.nowMs())
  if (!rule.quietHours || run.requests.over()) return undefined
  run.listing.publish()
  const quiet = await timing.quietTime(rule.quietHours)
  return quiet && holdUntil(quiet.until, quiet.forMs)
}

function holdUntil(until: string, forMs: number): Hold {
  return { until, forMs, reason: `quiet hours until ${until}` }
}

async function runDelay(
  doing: RuleRun,
  step: PlannedStep & { kind: 'delay' },
  record: StepRecord,
  over: Over,
): Promise<void> {
  const { run } = doing
  if ('timezone' in step) run.listing.publish()
  const { until, forMs } =
    'timezone' in step ? await timing.timeOfDay(step) : { until: run.clock.in(step.forMs), forMs: step.forMs }
  waitInStep(record, until)
  await pause(doing, forMs, over, waitSummary('next step', forMs))
  endStep(record, over() === undefined ? 'done' : 'skipped', run.clock.now(), over())
}

/** What follows where nobody acknowledges the event in time. It ends where somebody does after all. */
async function runAwaitAck(
  doing: RuleRun,
  { within, withinMs, otherwise }: PlannedStep & { kind: 'awaitAck' },
  record: StepRecord,
  endings: Endings,
): Promise<void> {
  const { run } = doing
  const over = endings.steps
  const acknowledged: Over = () => {
    const by = run.timeline.acknowledgement?.by
    return by === undefined ? undefined : `acknowledged by ${by}`
  }
  waitInStep(record, run.clock.in(withinMs))
  const summary = waitSummary('escalation, unless acknowledged,', withinMs)
  await pause(doing, withinMs, () => acknowledged() ?? over(), summary)
  if (acknowledged() !== undefined) return endStep(record, 'done', run.clock.now(), acknowledged())
  if (over() !== undefined) return endStep(record, 'skipped', run.clock.now(), over())
  endStep(record, 'done', run.clock.now(), `not acknowledged within ${within}`)
  await runSteps(doing, otherwise, {
    steps: () => over() ?? acknowledged(),
    deliveries: () => endings.deliveries() ?? acknowledged(),
  })
}

/** Waits durably, until something is over at the latest. */
async function pause({ run }: RuleRun, forMs: number, over: Over, summary: string): Promise<void> {
  if (over() === undefined) await run.waits.pause(forMs, () => over() !== undefined, summary)
}
