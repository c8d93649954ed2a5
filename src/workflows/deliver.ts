import { ActivityFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow'
import { assertNever } from '../domain/assert-never.ts'
import type { AttemptResult, Outcome } from '../domain/outcome.ts'
import { nextDelayMs } from '../domain/retry-schedule.ts'
import type { PlannedDelivery } from '../domain/routing.ts'
import { openDelivery, recordAttempt, settle, type Delivery } from '../domain/timeline.ts'
import { configuration, firstAttempts, laterAttempts, slowAttempts } from './activity-options.ts'
import type { Run } from './run.ts'

/** `unavailable`: the fault is ours (the database, say) and nothing was sent, so no attempt is used up. */
type Made = AttemptResult | { kind: 'unavailable' }

/** What a tenant is told. What it was stands in the workflow's history: it may name hosts of ours. */
const ourFault = 'a fault on our side: nothing was sent, and the attempt is made once it is mended'

/** Doubled from the first to the longest: an outage of a day must not fill the history with attempts at attempts. */
const unavailableDelaysMs = { first: 5_000, longest: 300_000 }

/**
 * Delivers one event to one destination: the only place that retries (STYLE 2).
 *
 * From an attempt's result to the commands that follow from it nothing is awaited. Results of attempts that ended one after
 * the other within one workflow task come at once when it is replayed: only what is done in one go is done in the same order.
 */
export async function deliver(run: Run, planned: PlannedDelivery): Promise<void> {
  const delivery = openDelivery(run.timeline, planned)
  let deferred = false
  let unavailable = 0
  const firstDelayMs = planned.scheduleMs[0] ?? 0
  if (firstDelayMs > 0) await run.wait(delivery, firstDelayMs)

  while (delivery.status === 'pending') {
    const made = await attempt(run, planned, delivery, deferred)
    deferred = made.kind === 'deferred'
    unavailable = made.kind === 'unavailable' ? unavailable + 1 : 0
    const delayMs = record(delivery, planned, made, unavailable)
    if (delayMs !== undefined) await run.wait(delivery, delayMs)
    else if (isGone(made) && !run.event.test) await disable(planned, made)
  }
  run.publishEnded()
}

type Gone = { kind: 'attempted'; outcome: Outcome & { kind: 'rejected' } }

function isGone(made: Made): made is Made & Gone {
  return made.kind === 'attempted' && made.outcome.kind === 'rejected' && made.outcome.gone === true
}

/** The receiver asked never to be called again: that holds for every later event, too. */
function disable({ destinationId }: PlannedDelivery, { outcome }: Gone): Promise<void> {
  return configuration.disable({ destinationId, reason: outcome.error })
}

/** Makes one attempt. It never throws but for a cancellation: every way to fail is a value. */
async function attempt(
  run: Run,
  planned: PlannedDelivery,
  delivery: Delivery,
  deferred: boolean,
): Promise<Made> {
  const { event } = run
  const number = delivery.attempts.length + 1
  const { destinationId, timeoutMs, url } = planned
  const request = { destinationId, number, timeoutMs, url }
  const startedAt = Date.now()
  try {
    if (deferred) return await slowAttempts(planned).attempt(request)
    if (number === 1) return await firstAttempts(planned).attemptFirst({ ...request, event })
    return await laterAttempts(event.tenantId, planned).attempt(request)
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error
    if (error.cause instanceof TimeoutFailure) return lost(startedAt)
    return { kind: 'unavailable' }
  }
}

/** The worker vanished in mid-attempt. The receiver may have been called, so it counts as an attempt. */
function lost(startedAt: number): AttemptResult {
  return {
    kind: 'attempted',
    at: new Date(startedAt).toISOString(),
    durationMs: Date.now() - startedAt,
    outcome: {
      kind: 'failed',
      error: 'the worker was lost during the attempt; whether it arrived is not known',
    },
  }
}

/** Writes what came of it into the log. Answers how long to wait before another attempt, if there is to be one. */
function record(
  delivery: Delivery,
  planned: PlannedDelivery,
  made: Made,
  unavailable: number,
): number | undefined {
  switch (made.kind) {
    case 'attempted':
      recordAttempt(delivery, made)
      return conclude(delivery, planned, made)
    case 'skipped':
      settle(delivery, 'skipped', made.reason)
      return undefined
    case 'deferred':
      return undefined
    case 'unavailable':
      settle(delivery, 'pending', ourFault)
      return Math.min(unavailableDelaysMs.first * 2 ** (unavailable - 1), unavailableDelaysMs.longest)
    default:
      return assertNever(made)
  }
}

function conclude(
  delivery: Delivery,
  planned: PlannedDelivery,
  { outcome }: AttemptResult & { kind: 'attempted' },
) {
  switch (outcome.kind) {
    case 'delivered':
      settle(delivery, 'delivered')
      return undefined
    case 'rejected':
      settle(delivery, 'failed', `rejected: ${outcome.error}`)
      return undefined
    case 'failed': {
      const attemptsMade = delivery.attempts.length
      const delayMs = nextDelayMs(planned.scheduleMs, {
        attemptsMade,
        retryAfterMs: outcome.retryAfterMs,
        random: Math.random(),
      })
      if (delayMs === undefined) settle(delivery, 'failed', `exhausted: all ${attemptsMade} attempts failed`)
      else settle(delivery, 'pending')
      return delayMs
    }
    default:
      return assertNever(outcome)
  }
}
