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
import type { PaceReservation } from '../domain/delivery/pace.ts'
import type { PlannedDelivery } from '../domain/routing/plan.ts'
import { isOpen, recordAttempt, settle, type Delivery } from '../domain/delivery/timeline.ts'
import { displayName, waitSummary } from '../domain/delivery/trace.ts'
import { announcements, configuration } from './activity-options.ts'
import { attempt, attemptInProgress, reservedPlace, type DeliveryAsPlanned } from './attempts.ts'
import { attemptQueue, leaveTurn, orderQueue, takeTurn, type Queue } from './queues/turns.ts'
import type { Run } from './run/types.ts'

/** The reason in the tenant's log. The cause is in the workflow's history only, since it may name our hosts. */
const ourFault = 'a fault on our side: nothing was sent, and the attempt will be made once it is fixed'

/** Doubled from the first to the longest: an outage of a day must not fill the history with failed activities. */
const unavailableDelaysMs = { first: 5_000, longest: 300_000 }

/**
 * Delivers one event to one destination. This is the only retry loop. `first` is the result of the first attempt if the event
 * opened with it; `hold` keeps the delivery back before it begins.
 */
export async function deliver(
  run: Run,
  { planned, delivery }: DeliveryAsPlanned,
  first: FirstResult | undefined,
  hold?: Hold,
): Promise<void> {
  const work = openWork(run, planned, delivery)
  // Without a wait the attempt's command comes first, before anything that its caller publishes.
  if (hold || work.order || firstDelayMs(planned) > 0) await waitToBegin(work, hold)
  if (!first) run.requests.endIfRequested(delivery)
  const disabling = await attemptUntilSettled(work, first)
  release(work)
  await report(work, disabling)
}

/** One delivery in progress. */
interface Work {
  run: Run
  planned: PlannedDelivery
  delivery: Delivery
  /** The queue of an ordered destination. */
  order: Queue | undefined
  /** How much of the schedule has been used. */
  progress: Progress
  /** The next attempt belongs on the slow task queue. */
  deferred: boolean
  /** How many times in a row an attempt could not be made because of a fault on our side. */
  unavailable: number
  /** The next attempt was requested, so limits do not hold it back. */
  requested: boolean
  /** The place reserved for the next attempt at a rate-limited destination. */
  place?: PaceReservation | undefined
  /** Recipients of an email to several people who need no further attempt. */
  settled?: SettledRecipients | undefined
  /** Commands whose results are awaited before the workflow ends, and not earlier. */
  background: Promise<void>[]
}

function openWork(run: Run, planned: PlannedDelivery, delivery: Delivery): Work {
  return {
    run,
    planned,
    delivery,
    order: orderQueue(run, planned),
    progress: startProgress(planned, () => Math.random()),
    deferred: false,
    unavailable: 0,
    requested: false,
    place: reservedPlace(run, planned),
    background: [],
  }
}

/** Waits until quiet hours end, earlier events of the same order are done, and the schedule's first delay is over. */
async function waitToBegin(work: Work, hold: Hold | undefined): Promise<void> {
  const { run, planned, delivery, order } = work
  if (hold) work.requested = await holdBack(work, hold)
  if (order) await takeTurn(run, delivery, order)
  const delayMs = firstDelayMs(planned)
  if (delayMs === 0) return
  const summary = waitSummary('first attempt', delayMs, displayName(planned))
  work.requested = await run.waits.beforeAttempt(delivery, delayMs, summary)
}

function firstDelayMs({ scheduleMs }: PlannedDelivery): number {
  return scheduleMs[0] ?? 0
}

/** Makes attempts until the delivery is settled. Returns the order to disable its destination, if the last attempt gave one. */
async function attemptUntilSettled(
  work: Work,
  first: FirstResult | undefined,
): Promise<DisableOrder | undefined> {
  const { run, planned, delivery, background } = work
  let result = first?.kind === 'inProgress' ? await attemptInProgress(run, { planned, delivery }) : first
  for (; isOpen(delivery); result = undefined) {
    result ??= await attemptInTurn(work)
    if (!result) break
    const delayMs = record(work, result)
    if (delayMs !== undefined) {
      if (run.announces && isFailing(delivery)) background.push(announce(delivery, 'failing'))
      await waitForNext(work, delayMs, result)
    } else if (result.kind === 'attempted') return result.disable
  }
  return undefined
}

/** Gives back the reserved place and the turn, so that the next event can be delivered. */
function release({ run, planned, delivery, order, place, background }: Work): void {
  if (place) background.push(releaseReservation(planned, place))
  if (!order) return
  background.push(leaveTurn(run.turns, order.id))
  if (planned.order && delivery.status === 'failed')
    delivery.reason = `${delivery.reason}; the next event with ${planned.order.text} goes ahead`
}

/** Publishes the outcome, disables the destination if that was ordered, and announces that the delivery is exhausted. */
async function report(work: Work, disabling: DisableOrder | undefined): Promise<void> {
  const { run, planned, delivery, background } = work
  const announced = run.announces && delivery.status === 'failed'
  const publishFirst = announced || disabling !== undefined
  if (publishFirst) run.listing.publishIfListed()
  if (disabling) await disable(planned, disabling)
  if (announced) background.push(announce(delivery, 'exhausted'))
  if (background.length > 0) await Promise.all(background)
  if (!publishFirst) run.listing.publishIfListed()
}

/**
 * Makes one attempt, in turn if the destination limits concurrent attempts. Returns nothing if the delivery ended while it waited.
 */
async function attemptInTurn(work: Work): Promise<AttemptResult | undefined> {
  const { run, planned, delivery, background } = work
  const queue = attemptQueue(run, planned)
  if (!queue) return attempt(run, planned, delivery, work)
  const waitedMs = await takeTurn(run, delivery, queue, mayBeHeldMs(work.progress, 'slot'))
  let result: AttemptResult | undefined
  if (waitedMs !== undefined) {
    work.progress = afterHold(work.progress, waitedMs)
    result = await attempt(run, planned, delivery, work)
  } else if (isOpen(delivery)) {
    settle(delivery, 'failed', overdue(queue.reason, work.progress, lastError(delivery)))
  }
  background.push(leaveTurn(run.turns, queue.id))
  return result
}

/** Time that a delivery is held back counts against its schedule, unless a retry request ends the wait. */
async function waitForNext(work: Work, delayMs: number, result: AttemptResult): Promise<void> {
  const { run, planned, delivery } = work
  const summary = waitSummary(nextAfter[result.kind] ?? 'attempt', delayMs, displayName(planned))
  const requested = await run.waits.beforeAttempt(delivery, delayMs, summary)
  if (requested) work.requested = true
  else if (result.kind === 'held') work.progress = afterHold(work.progress, delayMs)
}

/** What a wait is for, in Temporal's UI. */
const nextAfter: Partial<Record<AttemptResult['kind'], string>> = {
  attempted: 'retry',
  held: 'held back by its circuit or limits: attempt',
  unavailable: 'a fault of ours: attempt',
}

/** Keeps a delivery back before it begins. */
export interface Hold {
  /** ISO 8601, UTC. */
  until: string
  forMs: number
  reason: string
}

/** Returns whether an attempt was requested during the hold. */
async function holdBack({ run, planned, delivery }: Work, { forMs, reason }: Hold): Promise<boolean> {
  settle(delivery, 'held', reason)
  const requested = await run.waits.beforeAttempt(
    delivery,
    forMs,
    `quiet hours end → ${displayName(planned)}`,
  )
  if (isOpen(delivery)) settle(delivery, 'pending')
  return requested
}

/** After this many failures a delivery announces, once, that its destination is failing. */
const failingAttempts = 4

function isFailing({ attempts }: Delivery): boolean {
  const last = attempts.at(-1)
  if (last?.outcome !== 'failed' || isThrottled(last)) return false
  return attempts.filter((made) => !isThrottled(made)).length === failingAttempts
}

function announce(delivery: Delivery, what: 'failing' | 'exhausted'): Promise<void> {
  const { destinationId, step, attempts, reason = 'its attempts fail' } = delivery
  const error = lastError(delivery)
  const about = { destinationId, ...(step && { step }), ...(error !== undefined && { lastError: error }) }
  return announcements
    .announceDelivery({ news: what, reason, attempts: attempts.length, ...about })
    .catch(() => undefined)
}

function lastError({ attempts }: Delivery): string | undefined {
  return attempts.at(-1)?.error
}

type Attempted = AttemptResult & { kind: 'attempted' }

function releaseReservation({ destinationId }: PlannedDelivery, { number }: PaceReservation): Promise<void> {
  return configuration.releasePlace({ destinationId, number }).catch(() => undefined)
}

function disable({ destinationId }: PlannedDelivery, order: DisableOrder): Promise<void> {
  return configuration.disable({ destinationId, ...order })
}

/** Records the result in the log. Returns how long to wait before the next attempt, if there is one. */
function record(work: Work, result: AttemptResult): number | undefined {
  const { run, delivery } = work
  prepareNext(work, result)
  switch (result.kind) {
    case 'attempted':
      recordAttempt(delivery, result)
      run.requests.clearRetry(delivery.destinationId)
      work.settled = settledRecipients(result.outcome) ?? work.settled
      return follow(work, concludeAttempt(result, work.progress))
    case 'skipped':
      settle(delivery, 'skipped', result.reason)
      if (result.missed) delivery.missed = true
      return undefined
    case 'expired':
      settle(delivery, 'failed', run.clock.expiryReason)
      return undefined
    case 'deferred':
      settle(delivery, 'pending')
      return undefined
    case 'held': {
      const next = postpone(result, work.progress, lastError(delivery))
      settle(delivery, next.status, next.reason)
      return next.status === 'held' ? next.waitMs : undefined
    }
    case 'unavailable':
      settle(delivery, 'pending', ourFault)
      return Math.min(unavailableDelaysMs.first * 2 ** (work.unavailable - 1), unavailableDelaysMs.longest)
    default:
      return assertNever(result)
  }
}

/** Updates what the next attempt depends on. */
function prepareNext(work: Work, result: AttemptResult): void {
  work.deferred = result.kind === 'deferred'
  work.unavailable = result.kind === 'unavailable' ? work.unavailable + 1 : 0
  if (!wasNotTried(result)) work.place = result.kind === 'held' ? result.place : undefined
  work.requested &&= wasNotTried(result)
}

/** After an attempt whose worker was lost it is unknown whom it reached: they may get the message again. */
function settledRecipients(outcome: Outcome): SettledRecipients | undefined {
  return outcome.kind === 'failed' ? outcome.recipients : undefined
}

/** The activity ended before it knew whether the attempt may be made. */
function wasNotTried({ kind }: AttemptResult): boolean {
  return kind === 'deferred' || kind === 'unavailable'
}

function concludeAttempt({ outcome, disable }: Attempted, progress: Progress): Conclusion {
  if (disable && outcome.kind === 'failed') return { status: 'failed', reason: `given up: ${disable.reason}` }
  return conclude(outcome, progress)
}

function follow(work: Work, conclusion: Conclusion): number | undefined {
  settle(work.delivery, conclusion.status, conclusion.status === 'failed' ? conclusion.reason : undefined)
  if (conclusion.status !== 'pending') return undefined
  work.progress = conclusion.progress
  return conclusion.delayMs
}
