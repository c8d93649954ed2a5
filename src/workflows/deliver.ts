import { assertNever } from '../domain/assert-never.ts'
import { conclude, overdue, postpone, type Conclusion } from '../domain/delivery/conclusion.ts'
import { afterHold, mayBeHeldMs, startProgress, type Progress } from '../domain/delivery/deadline.ts'
import {
  isThrottled,
  type AttemptResult,
  type DisableOrder,
  type FirstResult,
  type Outcome,
  type SettledRecipients,
} from '../domain/delivery/outcome.ts'
import type { Place } from '../domain/delivery/pace.ts'
import type { PlannedDelivery } from '../domain/routing/plan.ts'
import { isOpen, recordAttempt, settle, type Delivery } from '../domain/delivery/timeline.ts'
import { nameOf, waitSummary } from '../domain/delivery/trace.ts'
import { configuration, news } from './activity-options.ts'
import { attempt, attemptInProgress, placeOf, type DeliveryAsPlanned } from './attempts.ts'
import type { Run } from './run-types.ts'
import { attemptQueue, leaveTurn, orderQueue, takeTurn } from './queues/turns.ts'

/** What a tenant is told. What it was stands in the workflow's history: it may name hosts of ours. */
const ourFault = 'a fault on our side: nothing was sent, and the attempt is made once it is mended'

/** Doubled from the first to the longest: an outage of a day must not fill the history with attempts at attempts. */
const unavailableDelaysMs = { first: 5_000, longest: 300_000 }

/**
 * Delivers one event to one destination: the only place that retries. `first` is what its first attempt came to, if
 * the event opened with that.
 */
export async function deliver(
  run: Run,
  as: DeliveryAsPlanned,
  first: FirstResult | undefined,
  hold?: Hold,
): Promise<void> {
  const { planned, delivery } = as
  const order = orderQueue(run, planned)
  const left: Promise<void>[] = []
  const state = openState(run, planned)
  let over: DisableOrder | undefined
  if (hold) state.now = await holdBack(run, as, hold)
  if (order) await takeTurn(run, delivery, order)
  const firstDelayMs = planned.scheduleMs[0] ?? 0
  if (firstDelayMs > 0)
    state.now = await run.wait(
      delivery,
      firstDelayMs,
      waitSummary('first attempt', firstDelayMs, nameOf(planned)),
    )
  if (!first) run.endIfAsked(delivery)

  let made = first?.kind === 'inProgress' ? await attemptInProgress(run, as) : first
  for (; isOpen(delivery); made = undefined) {
    made ??= await attemptInTurn(run, as, state, left)
    if (!made) break
    const delayMs = record(run, as, made, state)
    if (run.announces && delayMs !== undefined && fails(delivery)) left.push(tell(delivery, 'failing'))
    if (delayMs !== undefined) await waitForNext(run, as, delayMs, made, state)
    else if (made.kind === 'attempted') over = made.disable
  }
  if (state.place) left.push(giveBack(planned, state.place))
  if (order) left.push(leaveTurn(run.turns, order.id))
  if (order && planned.order && delivery.status === 'failed')
    delivery.reason = `${delivery.reason}; the next event with ${planned.order.text} goes ahead`
  const told = run.announces && delivery.status === 'failed'
  const shown = told || over !== undefined
  if (shown) run.publishEnded()
  if (over) await disable(planned, over)
  if (told) left.push(tell(delivery, 'exhausted'))
  if (left.length > 0) await Promise.all(left)
  if (!shown) run.publishEnded()
}

/** Makes one attempt, in its turn where the destination takes only so many at once; `undefined` if the delivery is over instead. */
async function attemptInTurn(
  run: Run,
  { planned, delivery }: DeliveryAsPlanned,
  state: DeliveryState,
  left: Promise<void>[],
): Promise<AttemptResult | undefined> {
  const queue = attemptQueue(run, planned)
  if (!queue) return attempt(run, planned, delivery, state)
  const waitedMs = await takeTurn(run, delivery, queue, mayBeHeldMs(state.progress, 'slot'))
  let made: AttemptResult | undefined
  if (waitedMs !== undefined) {
    state.progress = afterHold(state.progress, waitedMs)
    made = await attempt(run, planned, delivery, state)
  } else if (isOpen(delivery)) {
    settle(delivery, 'failed', overdue(queue.reason, state.progress, lastError(delivery)))
  }
  left.push(leaveTurn(run.turns, queue.id))
  return made
}

/** What holds a delivery back uses up its time; a wait that is ended by a retry does not. */
async function waitForNext(
  run: Run,
  { planned, delivery }: DeliveryAsPlanned,
  delayMs: number,
  made: AttemptResult,
  state: DeliveryState,
): Promise<void> {
  const summary = waitSummary(nextAfter[made.kind] ?? 'attempt', delayMs, nameOf(planned))
  const asked = await run.wait(delivery, delayMs, summary)
  if (asked) state.now = true
  else if (made.kind === 'held') state.progress = afterHold(state.progress, delayMs)
}

/** What comes after such a wait. */
const nextAfter: Partial<Record<AttemptResult['kind'], string>> = {
  attempted: 'retry',
  held: 'held back by its circuit or limits: attempt',
  unavailable: 'a fault of ours: attempt',
}

/** What holds a delivery back before it begins. */
export interface Hold {
  /** ISO 8601, UTC. */
  until: string
  forMs: number
  reason: string
}

/** Says whether somebody has asked for the attempt before that is over. */
async function holdBack(
  run: Run,
  { planned, delivery }: DeliveryAsPlanned,
  { forMs, reason }: Hold,
): Promise<boolean> {
  settle(delivery, 'held', reason)
  const now = await run.wait(delivery, forMs, `quiet hours end → ${nameOf(planned)}`)
  if (isOpen(delivery)) settle(delivery, 'pending')
  return now
}

/** Told of once for each spell in which a destination fails, by the delivery that comes to so many failures. */
const failingAttempts = 4

function fails({ attempts }: Delivery): boolean {
  const last = attempts.at(-1)
  if (last?.outcome !== 'failed' || isThrottled(last)) return false
  return attempts.filter((made) => !isThrottled(made)).length === failingAttempts
}

/** The answer is to be waited for before the workflow ends, not before; it is given up with the workflow. */
function tell(delivery: Delivery, what: 'failing' | 'exhausted'): Promise<void> {
  const { destinationId, step, attempts, reason = 'its attempts fail' } = delivery
  const error = lastError(delivery)
  const about = { destinationId, ...(step && { step }), ...(error !== undefined && { lastError: error }) }
  return news
    .announceDelivery({ news: what, reason, attempts: attempts.length, ...about })
    .catch(() => undefined)
}

function lastError({ attempts }: Delivery): string | undefined {
  return attempts.at(-1)?.error
}

/** How far a delivery has come, as far as its next attempt depends on it. */
interface DeliveryState {
  progress: Progress
  /** To be made on the slow lane. */
  deferred: boolean
  /** How often in a row the fault was ours. */
  unavailable: number
  /** Somebody has asked for it. */
  now: boolean
  /** The place in the destination's pace that is kept for it. */
  place?: Place | undefined
  /** Of a message to several people: who needs no further attempt. */
  settled?: SettledRecipients | undefined
}

type Attempted = AttemptResult & { kind: 'attempted' }

function openState(run: Run, planned: PlannedDelivery): DeliveryState {
  const progress = startProgress(planned, () => Math.random())
  return { progress, deferred: false, unavailable: 0, now: false, place: placeOf(run, planned) }
}

function giveBack({ destinationId }: PlannedDelivery, { number }: Place): Promise<void> {
  return configuration.releasePlace({ destinationId, number }).catch(() => undefined)
}

function disable({ destinationId }: PlannedDelivery, order: DisableOrder): Promise<void> {
  return configuration.disable({ destinationId, ...order })
}

/** Writes what came of it into the log. Answers how long to wait before another attempt, if there is to be one. */
function record(
  run: Run,
  { delivery }: DeliveryAsPlanned,
  made: AttemptResult,
  state: DeliveryState,
): number | undefined {
  state.deferred = made.kind === 'deferred'
  state.unavailable = made.kind === 'unavailable' ? state.unavailable + 1 : 0
  if (!isYetToBeMade(made)) state.place = made.kind === 'held' ? made.place : undefined
  state.now &&= isYetToBeMade(made)
  switch (made.kind) {
    case 'attempted': {
      recordAttempt(delivery, made)
      run.attempted(delivery.destinationId)
      state.settled = settledBy(made.outcome) ?? state.settled
      return follow(delivery, concludeAttempt(made, state.progress), state)
    }
    case 'skipped':
      settle(delivery, 'skipped', made.reason)
      if (made.missed) delivery.missed = true
      return undefined
    case 'expired':
      settle(delivery, 'failed', run.expiry.reason)
      return undefined
    case 'deferred':
      settle(delivery, 'pending')
      return undefined
    case 'held': {
      const next = postpone(made, state.progress, lastError(delivery))
      settle(delivery, next.status, next.reason)
      return next.status === 'held' ? next.waitMs : undefined
    }
    case 'unavailable':
      settle(delivery, 'pending', ourFault)
      return Math.min(unavailableDelaysMs.first * 2 ** (state.unavailable - 1), unavailableDelaysMs.longest)
    default:
      return assertNever(made)
  }
}

/** An attempt whose worker was lost says nothing of whom it reached: they may get the message again. */
function settledBy(outcome: Outcome): SettledRecipients | undefined {
  return outcome.kind === 'failed' ? outcome.recipients : undefined
}

/** It was not asked whether it may be made, or not to the end. */
function isYetToBeMade({ kind }: AttemptResult): boolean {
  return kind === 'deferred' || kind === 'unavailable'
}

function concludeAttempt({ outcome, disable }: Attempted, progress: Progress): Conclusion {
  if (disable && outcome.kind === 'failed') return { status: 'failed', reason: `given up: ${disable.reason}` }
  return conclude(outcome, progress)
}

function follow(delivery: Delivery, conclusion: Conclusion, state: DeliveryState): number | undefined {
  settle(delivery, conclusion.status, conclusion.status === 'failed' ? conclusion.reason : undefined)
  if (conclusion.status !== 'pending') return undefined
  state.progress = conclusion.progress
  return conclusion.delayMs
}
