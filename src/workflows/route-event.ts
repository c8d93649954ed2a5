import { isCancellation } from '@temporalio/workflow'
import { recordPlan, type Timeline } from '../domain/timeline.ts'
import { plannedDeliveries, type Step } from '../domain/plan.ts'
import { assertNever } from '../domain/assert-never.ts'
import { plan } from './activity-options.ts'
import { deliverAll } from './deliver-all.ts'
import { openRun, type Run } from './run.ts'
import { leaveUnused } from './turns.ts'
import type { RouteEventInput } from './contract.ts'

/** One event from acceptance to its last attempt. The history of this workflow is the delivery log. */
export async function routeEvent(input: RouteEventInput): Promise<Timeline> {
  const run = openRun(input.event, input.places)
  for (const queueId of input.queues ?? []) run.turns.entered.add(queueId)
  try {
    const planned = await plan(input)
    run.begin(planned.at)
    recordPlan(run.timeline, planned)
    if (input.queues) await leaveUnused(run, plannedDeliveries(planned.steps))
    await runSteps(run, planned.steps)
  } catch (error) {
    if (isCancellation(error)) run.close()
    throw error
  }
  return run.close()
}

async function runSteps(run: Run, steps: readonly Step[]): Promise<void> {
  for (const step of steps) await runStep(run, step)
}

async function runStep(run: Run, step: Step): Promise<void> {
  switch (step.kind) {
    case 'deliver':
      return deliverAll(run, step.deliveries)
    case 'rule':
      return
    default:
      assertNever(step)
  }
}
