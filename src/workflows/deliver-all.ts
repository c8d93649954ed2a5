import {
  CancellationScope,
  condition,
  startChild,
  workflowInfo,
  type ChildWorkflowHandle,
} from '@temporalio/workflow'
import type { FirstResult } from '../domain/delivery/outcome.ts'
import { plannedDeliveries, type PlannedDelivery, type PlannedRule } from '../domain/routing/plan.ts'
import { withRuleContext } from '../domain/rules/context.ts'
import {
  deliveryKey,
  isOpen,
  openDelivery,
  settle,
  type Delivery,
  type Timeline,
} from '../domain/delivery/timeline.ts'
import { runDetails, runSummary } from '../domain/delivery/trace.ts'
import { attemptEach, type DeliveryAsPlanned } from './attempts.ts'
import {
  batchWorkflowId,
  cancelSignal,
  deliverBatchType,
  endBatchSignal,
  maxPerWorkflow,
  replayBatchType,
  replayEventType,
  retryNowSignal,
  type BatchInput,
  type TombstoneInput,
} from './contract/event.ts'
import { deliver, type Hold } from './deliver.ts'
import { beginRun, closeRun, openRun } from './run/run.ts'
import type { Over, Run } from './run/types.ts'
import { tombstone } from './tombstone.ts'
import { leaveDelegated } from './queues/turns.ts'

/** Makes the deliveries of a plan without rules in parallel. None waits for another. */
export async function deliverAll(run: Run, planned: readonly PlannedDelivery[]): Promise<void> {
  if (hasRoomFor(run, planned)) await deliverHere(run, planned)
  else await delegateAll(run, planned)
}

/** A child workflow that makes some of an event's deliveries and has its own timeline. */
export async function deliverBatch(input: BatchInput | TombstoneInput): Promise<Timeline> {
  if ('erased' in input) return tombstone(input)
  const { event, deliveries, places, plannedAt } = input
  const run = openRun(event, { places })
  beginRun(run, plannedAt, deliveries)
  await deliverHere(run, deliveries)
  return closeRun(run)
}

async function deliverHere(run: Run, planned: readonly PlannedDelivery[]): Promise<void> {
  const deliveries = planned.map((one) => ({ planned: one, delivery: openDelivery(run.timeline, one) }))
  const openings = deliveries.filter((one) => opensNow(run, one))
  const first = await attemptEach(run, openings)
  const made = deliveries.map((one) => deliver(run, one, first.get(one)))
  publishOpen(run, deliveries)
  await Promise.all(made)
}

/** The deliveries that an event's rules begin with immediately, and the results of their first attempts. */
export interface Opening {
  opened: Map<PlannedDelivery, DeliveryAsPlanned>
  first: Map<DeliveryAsPlanned, FirstResult>
}

/** Makes the first attempts of all rules together. Rules with more deliveries than one workflow can make have no opening. */
export async function openWith(run: Run, rules: readonly PlannedRule[]): Promise<Opening> {
  const opening: Opening = { opened: new Map(), first: new Map() }
  const openings = plannedDeliveries(rules).filter(({ opens }) => opens)
  if (openings.length > maxPerWorkflow) return opening
  for (const planned of openings)
    opening.opened.set(planned, { planned, delivery: openDelivery(run.timeline, planned) })
  const now = [...opening.opened.values()].filter((one) => opensNow(run, one))
  opening.first = await attemptEach(run, now)
  return opening
}

/** How a rule's step delivers. */
export interface StepOptions {
  opening: Opening
  hold: Hold | undefined
  /** Ends the step's deliveries. */
  over: Over
}

/** Makes the deliveries of a rule's step in parallel, after any hold. */
export function deliverStep(
  run: Run,
  planned: readonly PlannedDelivery[],
  { opening: { opened, first }, hold, over }: StepOptions,
): Promise<Delivery[]> {
  const further = planned.filter((one) => !opened.has(one))
  if (!hasRoomFor(run, further)) return delegateStep(run, planned, { hold, over })
  const all = planned.map(
    (one) => opened.get(one) ?? { planned: one, delivery: openDelivery(run.timeline, one) },
  )
  for (const { delivery } of all) run.requests.endWhen(delivery, over)
  const made = all.map((one) => deliver(run, one, first.get(one), hold))
  publishOpen(run, all)
  return Promise.all(made).then(() => all.map(({ delivery }) => delivery))
}

function hasRoomFor({ timeline, listing }: Run, planned: readonly PlannedDelivery[]): boolean {
  const own = timeline.deliveries.filter((delivery) => !listing.delegated.has(delivery))
  return own.length + planned.length <= maxPerWorkflow
}

/** Once lists show the event, its workflow may be queried for the log (`readTimeline`). */
function publishOpen(run: Run, deliveries: readonly DeliveryAsPlanned[]): void {
  if (deliveries.some(({ delivery }) => isOpen(delivery))) run.listing.publish()
}

function opensNow(run: Run, { planned, delivery }: DeliveryAsPlanned): boolean {
  if (!planned.opens) return false
  run.requests.endIfRequested(delivery)
  return isOpen(delivery)
}

async function delegateAll(
  run: Run,
  planned: readonly PlannedDelivery[],
  over: Over = () => undefined,
): Promise<void> {
  const batches = []
  for (let at = 0; at < planned.length; at += maxPerWorkflow)
    batches.push(planned.slice(at, at + maxPerWorkflow))
  await Promise.all(batches.map((batch) => delegate(run, batch, over)))
}

/** Deliveries that are held back go to child workflows after the hold. */
async function delegateStep(
  run: Run,
  planned: readonly PlannedDelivery[],
  { hold, over }: Omit<StepOptions, 'opening'>,
) {
  if (hold) await run.waits.pause(hold.forMs, () => over() !== undefined, 'quiet hours end')
  if (run.requests.over() !== undefined || over() !== undefined) return []
  const before = run.timeline.deliveries.length
  const made = delegateAll(run, planned, over)
  const deliveries = run.timeline.deliveries.slice(before)
  await made
  return deliveries
}

/** Starts a child workflow for a batch. This timeline keeps only the statuses of its deliveries; the child has their attempts. */
async function delegate(run: Run, batch: readonly PlannedDelivery[], over: Over): Promise<void> {
  const { workflowId, workflowType, typedSearchAttributes, memo } = workflowInfo()
  const { summary: _ownSummary, ...startMemo } = memo ?? {}
  const opened = batch.map((delivery) => openDelivery(run.timeline, delivery))
  run.listing.delegate(opened)
  run.timeline.batches ??= []
  const childId = batchWorkflowId(workflowId, run.timeline.batches.length)
  run.timeline.batches.push(childId)
  run.listing.publish()
  const { event, places, plannedAt } = run
  const deliveries = batch.map((planned) => withRuleContext(run.timeline, planned, run.clock.nowMs()))
  const input: BatchInput = { event, deliveries, plannedAt, places }
  const options = {
    workflowId: childId,
    args: [input] as [BatchInput],
    typedSearchAttributes,
    memo: startMemo,
    staticSummary: `${batch.length} deliveries of ${runSummary(event, 'event')}`,
    staticDetails: runDetails(event),
  }
  const childType = workflowType === replayEventType ? replayBatchType : deliverBatchType
  const left = leaveDelegated(run, batch)
  if (left.length > 0) await Promise.all(left)
  const child = await startChild<typeof deliverBatch>(childType, options)
  run.requests.forwardTo({
    retryNow: (destinationId) => child.signal(retryNowSignal, destinationId),
    cancel: () => child.signal(cancelSignal),
  })
  const { deliveries: made } = await endedBy(over, child)
  for (const delivery of opened) {
    const ended = made.find((one) => deliveryKey(one) === deliveryKey(delivery))
    if (ended) settle(delivery, ended.status, ended.reason)
  }
  run.listing.publishIfListed()
}

/** Returns the child's timeline. Ends the child's deliveries once `over` returns a reason. */
async function endedBy(over: Over, child: ChildWorkflowHandle<typeof deliverBatch>): Promise<Timeline> {
  return CancellationScope.cancellable(async () => {
    const ended = condition(() => over() !== undefined).then(() => child.signal(endBatchSignal, over() ?? ''))
    ended.catch(() => undefined) // The child ended first.
    try {
      return await child.result()
    } finally {
      CancellationScope.current().cancel()
    }
  })
}
