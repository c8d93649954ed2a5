import { startChild, workflowInfo } from '@temporalio/workflow'
import type { PlannedDelivery } from '../domain/routing.ts'
import { openDelivery, settle, type Timeline } from '../domain/timeline.ts'
import { batchWorkflowId, cancelSignal, deliverBatchType, retryNowSignal, type BatchInput } from './contract.ts'
import { deliver } from './deliver.ts'
import { openRun, type Run } from './run.ts'

/** More deliveries than this go to child workflows of as many each: a history and a result have limits (DESIGN §3). */
const mostPerWorkflow = 100

/** Makes the deliveries of a step side by side: none waits for another. */
export async function deliverAll(run: Run, planned: readonly PlannedDelivery[]): Promise<void> {
  if (planned.length <= mostPerWorkflow) {
    await Promise.all(planned.map((delivery) => deliver(run, delivery)))
    return
  }
  const batches = []
  for (let at = 0; at < planned.length; at += mostPerWorkflow) batches.push(planned.slice(at, at + mostPerWorkflow))
  await Promise.all(batches.map((batch, index) => delegate(run, batch, index)))
}

/** A child's workflow: up to a hundred deliveries of an event, with a timeline of its own. */
export async function deliverBatch({ event, deliveries }: BatchInput): Promise<Timeline> {
  const run = openRun(event)
  await Promise.all(deliveries.map((delivery) => deliver(run, delivery)))
  return run.close()
}

/** Hands a batch to a child. Here only the deliveries' states are kept; their attempts are read from the child. */
async function delegate(run: Run, batch: readonly PlannedDelivery[], index: number): Promise<void> {
  const { workflowId, typedSearchAttributes } = workflowInfo()
  const opened = batch.map((delivery) => openDelivery(run.timeline, delivery))
  const childId = batchWorkflowId(workflowId, index)
  run.timeline.batches = [...(run.timeline.batches ?? []), childId]
  run.publish()
  const input: BatchInput = { event: run.event, deliveries: [...batch] }
  const child = await startChild(deliverBatchType, { workflowId: childId, args: [input], typedSearchAttributes })
  run.forward({
    retryNow: (destinationId) => child.signal(retryNowSignal, destinationId),
    cancel: () => child.signal(cancelSignal),
  })
  const { deliveries } = (await child.result()) as Timeline
  for (const delivery of opened) {
    const ended = deliveries.find(({ destinationId }) => destinationId === delivery.destinationId)
    if (ended) settle(delivery, ended.status, ended.reason)
  }
}
