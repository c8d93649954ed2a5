import { condition, getExternalWorkflowHandle, workflowInfo } from '@temporalio/workflow'
import type { PlannedDigest } from '../../domain/routing/plan.ts'
import { endStep, waitInStep, type StepRecord } from '../../domain/rules/step-record.ts'
import { digests } from '../activity-options.ts'
import { digestWorkflowId, leaveDigestSignal } from '../contract/digests.ts'
import type { Over } from '../run/types.ts'
import type { RuleRun } from './rule-run.ts'

/** A digest that has not answered this long after the end of its window may have been terminated, and is joined again. */
const graceMs = 10_000
const leavingMs = 60_000

/** Joins the digest of the rule and key, and waits until the event is digested. An event that ends first leaves the digest. */
export async function joinDigest(
  { run, rule }: RuleRun,
  step: PlannedDigest,
  record: StepRecord,
  over: Over,
): Promise<void> {
  const { windowMs, max, by, key, rest: steps, restFrom: from } = step
  const { ruleId, version, name, quietHours } = rule
  const digestId = digestWorkflowId(run.event, rule, step)
  const answered = () => run.digested.has(digestId)
  run.listing.publish()
  while (!answered() && over() === undefined) {
    const orders = { ruleId, version, name, steps, from, ...(quietHours && { quietHours }) }
    run.clock.advanceTo(Date.parse(await digests.joinDigest({ digestId, orders, windowMs, max, by })))
    waitInStep(record, run.clock.in(windowMs), key && `with ${key.text}`)
    // The activity was retried after it had joined, so it may have joined the following digest as well.
    if (answered()) await leave(digestId)
    await run.waits.pause(windowMs + graceMs, () => answered() || over() !== undefined, 'wait for the digest')
  }
  if (!answered()) await leave(digestId)
  if (!answered()) await condition(answered, leavingMs, { summary: 'wait to leave the digest' })
  const told = run.digested.get(digestId)?.eventId
  if (told === undefined) return endStep(record, 'skipped', run.clock.now(), over())
  endStep(record, 'done', run.clock.now(), `digested into ${told}`)
  record.digestId = told
}

/** The digest answers with `digestedSignal`, which says whether it has digested the event already. */
async function leave(digestId: string): Promise<void> {
  const { workflowId } = workflowInfo()
  await getExternalWorkflowHandle(digestId)
    .signal(leaveDigestSignal, workflowId)
    .catch(() => undefined)
}
