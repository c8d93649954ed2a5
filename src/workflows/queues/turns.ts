import { getExternalWorkflowHandle, setHandler, workflowInfo } from '@temporalio/workflow'
import type { PlannedDelivery } from '../../domain/routing/plan.ts'
import { type Delivery, isOpen, settle } from '../../domain/delivery/timeline.ts'
import { configuration } from '../activity-options.ts'
import { leaveSignal, turnSignal, turnsWorkflowId } from '../contract/turns.ts'
import type { Run, Turns } from '../run/types.ts'

/** A queue as a delivery sees it: a `takeTurns` workflow. */
export interface Queue {
  id: string
  /** How many may have their turn at once. */
  permits: number
  /** Why a delivery is held, while it waits. */
  reason: string
}

/**
 * Attaches the signal by which a queue tells that a turn has come. `entered` are the queues in which the API puts the run: a turn
 * may come before the run's first task, and is told here and now.
 */
export function openTurns(entered: readonly string[]): Turns {
  const turns: Turns = { come: new Map(), entered: new Set(entered), standing: new Set() }
  setHandler(turnSignal, async (queueId, atMs) => {
    // Nobody here waits any more: a delivery that ended early left before the API had put it there.
    if (!turns.entered.has(queueId) && !turns.standing.has(queueId)) await leaveTurn(turns, queueId)
    else if (!turns.come.has(queueId)) turns.come.set(queueId, atMs)
  })
  return turns
}

/** The queue of the deliveries that this one must not overtake. */
export function orderQueue({ event }: Run, { destinationId, order }: PlannedDelivery): Queue | undefined {
  if (!order) return undefined
  return {
    id: turnsWorkflowId(event, destinationId, order.hash),
    permits: 1,
    reason: `ordered: an earlier event with ${order.text} is not done`,
  }
}

/** The queue of all attempts at a destination that takes only so many at once. */
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

/** A turn comes at once or takes long: what comes within this time is not shown to lists. */
const soonMs = 1_000
/** How long to wait before entering again, which changes nothing for those who stand in the queue already. */
const patienceMs = { entered: 15 * 60_000, enteredByTheApi: 15_000 }

/**
 * Waits for the delivery's turn, for as long as it may. Answers how long that took (ms), or `undefined` where it has no turn: it is
 * over, or the time was.
 */
export async function takeTurn(
  run: Run,
  delivery: Delivery,
  { id, permits, reason }: Queue,
  mayWaitMs = Infinity,
): Promise<number | undefined> {
  const { turns } = run
  const come = () => turns.come.has(id)
  const { workflowId } = workflowInfo()
  const summary = `wait for a turn at ${run.listing.destinationName(delivery.destinationId)}`
  let enteredAt: number | undefined
  let patience = turns.entered.delete(id) ? patienceMs.enteredByTheApi : 0
  let leftMs = mayWaitMs
  /** Says whether there is time left to wait for the turn. */
  async function waitFor(atMostMs: number): Promise<boolean> {
    const waitMs = Math.min(atMostMs, leftMs)
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
    if (!(await waitFor(soonMs))) break
    run.listing.publish()
    await waitFor(patience)
    patience = 0
  }
  const cameAt = turns.come.get(id)
  if (!isOpen(delivery) || cameAt === undefined) return undefined
  settle(delivery, 'pending')
  return Math.max(0, cameAt - (enteredAt ?? cameAt))
}

/** Gives the turn back, or the place in the queue. The answer is to be waited for before the workflow ends, not before. */
export function leaveTurn({ come, standing }: Turns, queueId: string): Promise<void> {
  come.delete(queueId)
  standing.delete(queueId)
  const { workflowId } = workflowInfo()
  // A queue that nobody stands in has ended.
  return getExternalWorkflowHandle(queueId)
    .signal(leaveSignal, workflowId)
    .catch(() => undefined)
}

/** Leaves the places that the API has given to these deliveries: they are made elsewhere. */
export function leavePlaces(run: Run, planned: readonly PlannedDelivery[]): Promise<void>[] {
  return planned.flatMap((delivery) => {
    const queue = orderQueue(run, delivery)
    return queue && run.turns.entered.delete(queue.id) ? [leaveTurn(run.turns, queue.id)] : []
  })
}

/** Leaves the queues in which the API has put this run and no delivery of it will stand. */
export async function leaveUnused(run: Run, planned: readonly PlannedDelivery[]): Promise<void> {
  const used = new Set(planned.map((delivery) => orderQueue(run, delivery)?.id))
  const unused = [...run.turns.entered].filter((queueId) => !used.has(queueId))
  for (const queueId of unused) run.turns.entered.delete(queueId)
  await Promise.all(unused.map((queueId) => leaveTurn(run.turns, queueId)))
}
