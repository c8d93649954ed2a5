import { isCancellation } from '@temporalio/workflow'
import { leadingDeliveries, plannedDeliveries, type Plan } from '../domain/routing/plan.ts'
import { recordPlan, type Timeline } from '../domain/delivery/timeline.ts'
import { plan } from './activity-options.ts'
import type { RouteEventInput, TombstoneInput } from './contract/event.ts'
import { deliverAll } from './deliver-all.ts'
import { runRules } from './rules/steps.ts'
import { beginRun, closeRun, openRun } from './run/run.ts'
import type { Run } from './run/types.ts'
import { tombstone } from './tombstone.ts'
import { leaveUnused } from './queues/turns.ts'

/** One event from acceptance to its last attempt. The history of this workflow is the delivery log. */
export async function routeEvent(input: RouteEventInput | TombstoneInput): Promise<Timeline> {
  if ('erased' in input) return tombstone(input)
  const run = openRun(input.event, input)
  try {
    const planned = await plan(input)
    beginRun(run, planned.at, plannedDeliveries(planned.steps))
    recordPlan(run.timeline, planned)
    if (input.queues) await leaveUnused(run, leadingDeliveries(planned.steps))
    await runPlan(run, planned)
  } catch (error) {
    if (isCancellation(error)) closeRun(run)
    throw error
  }
  return closeRun(run)
}

/** Rules take precedence: subscriptions are used only if no rule matches. */
async function runPlan(run: Run, { steps }: Plan): Promise<void> {
  for (const step of steps) if (step.kind === 'deliver') await deliverAll(run, step.deliveries)
  const rules = steps.filter((step) => step.kind === 'rule')
  if (rules.length > 0) await runRules(run, rules)
}
