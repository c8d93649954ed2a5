import { drawDelays, lengthened } from './retry-schedule.ts'

/**
 * How a delivery follows its schedule, in ms. The schedule is a guarantee: once its delays have passed, and the time that the
 * attempts themselves took, the delivery has ended. What protects the destination (its circuit,
 * its rate limit, its concurrency cap) may use up the time that is left, and no more.
 */
export interface Progress {
  /** The delay before each attempt, as drawn. */
  readonly delaysMs: readonly number[]
  readonly timeoutMs: number
  /** Attempts of the schedule, without those of `throttled`. */
  readonly attemptsMade: number
  /** Attempts that were answered with HTTP 429 and made again within the schedule's time. */
  readonly throttled: number
  /** From when the next attempt is due to the deadline. Below zero while a last attempt waits for a slot. */
  readonly leftMs: number
}

export function startProgress(
  { scheduleMs, timeoutMs }: { scheduleMs: readonly number[]; timeoutMs: number },
  random: () => number,
): Progress {
  const delaysMs = drawDelays(scheduleMs, random)
  const leftMs = delaysMs.slice(1).reduce((sum, delayMs) => sum + delayMs, 0)
  return { delaysMs, timeoutMs, attemptsMade: 0, throttled: 0, leftMs }
}

/** What holds an attempt back: a circuit until the destination is well again, or a slot in a rate limit or under a cap. */
export type HeldBy = 'circuit' | 'slot'

/**
 * How long an attempt that is due may be held back. Waiting for a slot is a part of the attempt, and may take as long as the
 * attempt's timeout beyond the schedule: it will be made, only not at once.
 */
export function mayBeHeldMs({ leftMs, timeoutMs }: Progress, by: HeldBy): number {
  return Math.max(0, by === 'slot' ? leftMs + timeoutMs : leftMs)
}

/** The progress of a delivery that was held back for this time. */
export function afterHold(progress: Progress, heldMs: number): Progress {
  return { ...progress, leftMs: progress.leftMs - heldMs }
}

/** The delay before the next attempt, with the progress from then on; `undefined` where there is none any more. */
export function nextAttempt(progress: Progress): { delayMs: number; progress: Progress } | undefined {
  const attemptsMade = progress.attemptsMade + 1
  const scheduledMs = progress.delaysMs[attemptsMade]
  if (scheduledMs === undefined) return undefined
  // Earlier attempts were held back: what comes after the deadline is made at the deadline, unless that has passed.
  const delayMs = Math.max(0, Math.min(scheduledMs, progress.leftMs))
  if (scheduledMs > 0 && delayMs === 0) return undefined
  return { delayMs, progress: { ...progress, attemptsMade, leftMs: progress.leftMs - delayMs } }
}

/** A destination that keeps answering HTTP 429 is called so often beside the schedule; then the schedule is followed. */
const maxThrottled = 10
const minRetryAfterMs = 1_000

/**
 * The attempt after one that the receiver put off (HTTP 429): when it asked for it, without using up one of the schedule's, as
 * long as there is time left in the schedule. `undefined` where the schedule is to be followed.
 */
export function throttledAttempt(
  progress: Progress,
  retryAfterMs: number | undefined,
): { delayMs: number; progress: Progress } | undefined {
  const { leftMs, throttled } = progress
  if (retryAfterMs === undefined || throttled >= maxThrottled) return undefined
  const delayMs = lengthened(minRetryAfterMs, retryAfterMs)
  if (delayMs > leftMs) return undefined
  return { delayMs, progress: { ...progress, leftMs: leftMs - delayMs, throttled: throttled + 1 } }
}

/** Says where a schedule ended that was not followed to its last attempt. */
export function endedEarly({ delaysMs }: Progress, attemptsMade: number): string {
  return `the retry schedule ended after ${attemptsMade} of ${delaysMs.length} attempts`
}
