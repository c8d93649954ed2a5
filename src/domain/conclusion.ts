import { assertNever } from './assert-never.ts'
import type { Outcome } from './outcome.ts'
import { nextDelayMs } from './retry-schedule.ts'

/** What an attempt's outcome means for its delivery: it is over, or there is another attempt after `delayMs`. */
export type Conclusion =
  { status: 'delivered' } | { status: 'failed'; reason: string } | { status: 'pending'; delayMs: number }

export interface AttemptsSoFar {
  scheduleMs: readonly number[]
  /** This one included. */
  attemptsMade: number
  /** A number in [0, 1): the workflow's own, so that replay repeats it. */
  random: number
}

/** The delivery policy (DESIGN §3) as one decision. Pure. */
export function conclude(outcome: Outcome, { scheduleMs, attemptsMade, random }: AttemptsSoFar): Conclusion {
  switch (outcome.kind) {
    case 'delivered':
      return { status: 'delivered' }
    case 'rejected':
      return { status: 'failed', reason: `rejected: ${outcome.error}` }
    case 'failed': {
      const delayMs = nextDelayMs(scheduleMs, { attemptsMade, retryAfterMs: outcome.retryAfterMs, random })
      if (delayMs !== undefined) return { status: 'pending', delayMs }
      return { status: 'failed', reason: `exhausted: all ${attemptsMade} attempts failed` }
    }
    default:
      return assertNever(outcome)
  }
}
