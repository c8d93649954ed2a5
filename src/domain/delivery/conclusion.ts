import { assertNever } from '../assert-never.ts'
import {
  endedEarly,
  mayBeHeldMs,
  nextAttempt,
  throttledAttempt,
  type HeldBy,
  type Progress,
} from './deadline.ts'
import { isThrottled, type Outcome } from './outcome.ts'
import { lengthened } from './retry-schedule.ts'

/** The result of a delivery, or its next attempt after `delayMs`. */
export type Conclusion =
  | { status: 'delivered' }
  | { status: 'failed'; reason: string }
  | { status: 'pending'; delayMs: number; progress: Progress }

/** Decides what an attempt's outcome means for its delivery: the delivery policy as one decision. Pure. */
export function conclude(outcome: Outcome, progress: Progress): Conclusion {
  switch (outcome.kind) {
    case 'delivered':
      return { status: 'delivered' }
    case 'rejected':
      return { status: 'failed', reason: `rejected: ${outcome.error}` }
    case 'failed': {
      const throttled = isThrottled(outcome) && throttledAttempt(progress, outcome.retryAfterMs)
      if (throttled) return { status: 'pending', ...throttled }
      const next = nextAttempt(progress)
      if (!next) return { status: 'failed', reason: exhausted(progress) }
      return { status: 'pending', ...next, delayMs: lengthened(next.delayMs, outcome.retryAfterMs) }
    }
    default:
      return assertNever(outcome)
  }
}

function exhausted(progress: Progress): string {
  const made = progress.attemptsMade + 1
  if (made >= progress.delaysMs.length) return `exhausted: all ${made + progress.throttled} attempts failed`
  return `exhausted: every attempt failed; ${endedEarly(progress, made)}`
}

/** An attempt that must be postponed, and why. */
export interface HeldBack {
  by: HeldBy
  reason: string
  /** When it may be made, or when to ask again. */
  retryInMs: number
}

/** Decides what that means for its delivery: it waits, at most until the deadline, and fails there. Pure. */
export function postpone({ by, reason, retryInMs }: HeldBack, progress: Progress, lastError?: string) {
  const mayWaitMs = mayBeHeldMs(progress, by)
  if (mayWaitMs > 0) return { status: 'held', reason, waitMs: Math.min(retryInMs, mayWaitMs) } as const
  return { status: 'failed', reason: overdue(reason, progress, lastError) } as const
}

/** The reason of a delivery that failed because it was held back until its deadline. */
export function overdue(reason: string, progress: Progress, lastError?: string): string {
  const error = lastError === undefined || reason.includes('last error: ') ? '' : `; last error: ${lastError}`
  return `${reason}${error}; ${endedEarly(progress, progress.attemptsMade)}`
}
