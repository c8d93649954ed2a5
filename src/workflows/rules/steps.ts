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

/** Runs the matching rules in parallel. Their immediate deliveries are made together first. */
export async function runRules(run: Run, rules: readonly PlannedRule[]): Promise<void> {
  const opening = await openWith(run, rules)
  await Promise.all(rules.map((rule) => runRule(run, rule, opening)))
}

/** Conditions that end a list of steps early. */
interface Endings {
  /** Once it returns a reason, no further step begins, and none keeps waiting. */
  steps: Over
  /** Once it returns a reason, waiting deliveries end: in quiet hours, in a queue or before their next attempt. */
  deliveries: Over
}

async function runRule(run: Run, rule: PlannedRule, opening: Opening): Promise<void> {
  const doing: RuleRun = { run, rule, opening, background: [] }
  const endings: Endings = { steps: () => doing.stopped ?? run.requests.over(), deliveries: () => undefined }
  await runSteps(doing, rule.steps, endings)
  // A follow-up may add further work to the list.
  for (let at = 0; at < doing.background.length; at++) await doing.background[at]
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

/** Starts the step's deliveries. The next step waits for them only if `waitFor` says so; quiet hours delay the rule itself. */
async function runDeliver(
  doing: RuleRun,
  step: PlannedDeliver,
  record: StepRecord,
  endings: Endings,
): Promise<void> {
  const { run, opening, background } = doing
  const hold = await holdFor(doing, step)
  if (hold) waitInStep(record, hold.until, hold.reason)
  const made = deliverStep(run, step.deliveries, { opening, hold, over: endings.deliveries })
  const after = made.then((deliveries) => followUp(doing, step, record, deliveries, endings))
  after.catch(() => undefined) // Awaited below or at the rule's end, unless the workflow is cancelled.
  if (hold) {
    await pause(doing, hold.forMs, endings.steps, 'quiet hours end')
    goOnInStep(record)
  }
  if (step.waitFor === 'outcome') await after
  else background.push(after)
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

/** The quiet hours of a rule's leading steps were evaluated when the event was routed. */
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

/** Escalates unless the event is acknowledged in time. A later acknowledgement ends the escalation. */
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

/** Waits durably, at most until `over` returns a reason. */
async function pause({ run }: RuleRun, forMs: number, over: Over, summary: string): Promise<void> {
  if (over() === undefined) await run.waits.pause(forMs, () => over() !== undefined, summary)
}
