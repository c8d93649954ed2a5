import { startChild, workflowInfo } from '@temporalio/workflow'
import type { PlannedDelivery } from '../domain/plan.ts'
import { isOpen, openDelivery, settle, type Timeline } from '../domain/timeline.ts'
import { attemptEach, type DeliveryAsPlanned } from './attempts.ts'
import {
  batchWorkflowId,
  cancelSignal,
  deliverBatchType,
  mostPerWorkflow,
  replayBatchType,
  replayEventType,
  retryNowSignal,
  type BatchInput,
} from './contract.ts'
import { deliver } from './deliver.ts'
import { openRun, type Run } from './run.ts'
import { leavePlaces } from './turns.ts'

/** Makes the deliveries of a step side by side: none waits for another. */
export async function deliverAll(run: Run, planned: readonly PlannedDelivery[]): Promise<void> {
  const own = run.timeline.deliveries.filter((delivery) => !run.delegated.has(delivery))
  if (own.length + planned.length <= mostPerWorkflow) {
    await deliverHere(run, planned)
    return
  }
  const batches = []
  for (let at = 0; at < planned.length; at += mostPerWorkflow)
    batches.push(planned.slice(at, at + mostPerWorkflow))
  await Promise.all(batches.map((batch) => delegate(run, batch)))
}

/** A child's workflow: some of an event's deliveries, with a timeline of its own. */
export async function deliverBatch({ event, deliveries, plannedAt, places }: BatchInput): Promise<Timeline> {
  const run = openRun(event, places)
  run.begin(plannedAt)
  await deliverHere(run, deliveries)
  return run.close()
}

async function deliverHere(run: Run, planned: readonly PlannedDelivery[]): Promise<void> {
  const deliveries = planned.map((one) => ({ planned: one, delivery: openDelivery(run.timeline, one) }))
  const openings = deliveries.filter((one) => opensNow(run, one))
  const first = await attemptEach(run, openings)
  const made = deliveries.map((one) => deliver(run, one, first.get(one)))
  // Once lists show the event, its workflow can be asked for the log (`readTimeline`).
  if (run.opens && deliveries.some(({ delivery }) => isOpen(delivery))) run.publish()
  await Promise.all(made)
}

function opensNow(run: Run, { planned, delivery }: DeliveryAsPlanned): boolean {
  if (!planned.opens) return false
  run.endIfAsked(delivery)
  return isOpen(delivery)
}

/** Hands a batch to a child. Here only the deliveries' states are kept; their attempts are read from the child. */
async function delegate(run: Run, batch: readonly PlannedDelivery[]): Promise<void> {
  const { workflowId, workflowType, typedSearchAttributes, memo } = workflowInfo()
  const { summary: _ownSummary, ...startMemo } = memo ?? {}
  const opened = batch.map((delivery) => openDelivery(run.timeline, delivery))
  for (const delivery of opened) run.delegated.add(delivery)
  run.timeline.batches ??= []
  const childId = batchWorkflowId(workflowId, run.timeline.batches.length)
  run.timeline.batches.push(childId)
  run.publish()
  const { event, places, plannedAt } = run
  const input: BatchInput = { event, deliveries: [...batch], plannedAt, places }
  const options = {
    workflowId: childId,
    args: [input] as [BatchInput],
    typedSearchAttributes,
    memo: startMemo,
  }
  const childType = workflowType === replayEventType ? replayBatchType : deliverBatchType
  const left = leavePlaces(run, batch)
  if (left.length > 0) await Promise.all(left)
  const child = await startChild<typeof deliverBatch>(childType, options)
  run.forward({
    retryNow: (destinationId) => child.signal(retryNowSignal, destinationId),
    cancel: () => child.signal(cancelSignal),
  })
  const { deliveries } = await child.result()
  for (const delivery of opened) {
    const ended = deliveries.find(({ destinationId }) => destinationId === delivery.destinationId)
    if (ended) settle(delivery, ended.status, ended.reason)
  }
  run.publishEnded()
}
