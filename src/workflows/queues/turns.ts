import { getExternalWorkflowHandle, setHandler, workflowInfo } from '@temporalio/workflow'
import type { PlannedDelivery } from '../../domain/routing/plan.ts'
import { type Delivery, isOpen, settle } from '../../domain/delivery/timeline.ts'
import { configuration } from '../activity-options.ts'
import { leaveSignal, turnSignal, turnsWorkflowId } from '../contract/turns.ts'
import type { Run, Turns } from '../run/types.ts'

/** A `takeTurns` workflow, as a delivery sees it. */
export interface Queue {
  id: string
  /** How many deliveries may have their turn at once. */
  permits: number
  /** Why a waiting delivery is held, for the log. */
  reason: string
}

/**
 * Attaches the signal with which a queue grants a turn. `entered` are the queues that the API has entered for this run. Their turn
 * may come before the run's first workflow task; the handler then runs as soon as it is attached.
 */
export function openTurns(entered: readonly string[]): Turns {
  const turns: Turns = { come: new Map(), entered: new Set(entered), standing: new Set() }
  setHandler(turnSignal, async (queueId, atMs) => {
    // No delivery is waiting: one that ended early left the queue before the API had entered it.
    if (!turns.entered.has(queueId) && !turns.standing.has(queueId)) await leaveTurn(turns, queueId)
    else if (!turns.come.has(queueId)) turns.come.set(queueId, atMs)
  })
  return turns
}

/** The queue of an ordered destination, in which this delivery must not overtake earlier ones. */
export function orderQueue({ event }: Run, { destinationId, order }: PlannedDelivery): Queue | undefined {
  if (!order) return undefined
  return {
    id: turnsWorkflowId(event, destinationId, order.hash),
    permits: 1,
    reason: `ordered: an earlier event with ${order.text} is not done`,
  }
}

/** The queue of all attempts at a destination with `maxConcurrent`. */
export function attemptQueue(
  { event }: Run,
  { destinationId, maxConcurrent }: PlannedDelivery,
): Queue | undefined {
  if (maxConcurrent === undefined) return undefined
  return {
    id: turnsWorkflowId(event, destinationId),
    permits: maxConcurrent,
    reason: `concurrency: ${maxConcurrent} attempts at this destination are under way`,
  }
}

/** A turn usually comes immediately or takes long. A wait below this time is not published. */
const unpublishedMs = 1_000
/** How long to wait before entering the queue again, which has no effect on a delivery that is in it. */
const patienceMs = { entered: 15 * 60_000, enteredByTheApi: 15_000 }

/**
 * Waits for the delivery's turn, for at most `maxWaitMs`. Returns how long it waited (ms), or `undefined` if it got no turn because
 * the delivery ended or the time ran out.
 */
export async function takeTurn(
  run: Run,
  delivery: Delivery,
  { id, permits, reason }: Queue,
  maxWaitMs = Infinity,
): Promise<number | undefined> {
  const { turns } = run
  const come = () => turns.come.has(id)
  const { workflowId } = workflowInfo()
  const summary = `wait for a turn at ${run.listing.destinationName(delivery.destinationId)}`
  let enteredAt: number | undefined
  let patience = turns.entered.delete(id) ? patienceMs.enteredByTheApi : 0
  let leftMs = maxWaitMs
  /** Returns whether to keep waiting. */
  async function waitFor(maxMs: number): Promise<boolean> {
    const waitMs = Math.min(maxMs, leftMs)
    const isDone = (await run.waits.until(delivery, come, waitMs, summary)) || !isOpen(delivery)
    leftMs -= waitMs
    return !isDone && leftMs > 0
  }
  turns.standing.add(id)
  settle(delivery, 'held', reason)
  while (isOpen(delivery) && !come() && leftMs > 0) {
    if (patience === 0) {
      const atMs = await configuration.enterTurn({ queueId: id, workflowId, permits })
      enteredAt ??= atMs
      patience = patienceMs.entered
    }
    if (!(await waitFor(unpublishedMs))) break
    run.listing.publish()
    await waitFor(patience)
    patience = 0
  }
  const cameAt = turns.come.get(id)
  if (!isOpen(delivery) || cameAt === undefined) return undefined
  settle(delivery, 'pending')
  return Math.max(0, cameAt - (enteredAt ?? cameAt))
}

/** Releases the turn, or leaves the queue. The caller awaits the result before the workflow ends, not earlier. */
export function leaveTurn({ come, standing }: Turns, queueId: string): Promise<void> {
  come.delete(queueId)
  standing.delete(queueId)
  const { workflowId } = workflowInfo()
  // An empty queue has ended.
  return getExternalWorkflowHandle(queueId)
    .signal(leaveSignal, workflowId)
    .catch(() => undefined)
}

/** Leaves the queues that the API entered for these deliveries, because a child workflow makes them. */
export function leaveDelegated(run: Run, planned: readonly PlannedDelivery[]): Promise<void>[] {
  return planned.flatMap((delivery) => {
    const queue = orderQueue(run, delivery)
    return queue && run.turns.entered.delete(queue.id) ? [leaveTurn(run.turns, queue.id)] : []
  })
}

/** Leaves the queues that the API entered and no delivery of this run needs. */
export async function leaveUnused(run: Run, planned: readonly PlannedDelivery[]): Promise<void> {
  const used = new Set(planned.map((delivery) => orderQueue(run, delivery)?.id))
  const unused = [...run.turns.entered].filter((queueId) => !used.has(queueId))
  for (const queueId of unused) run.turns.entered.delete(queueId)
  await Promise.all(unused.map((queueId) => leaveTurn(run.turns, queueId)))
}
