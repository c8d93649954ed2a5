import { drawDelays, lengthened } from './retry-schedule.ts'

/**
 * A delivery's progress in its schedule, in ms. The schedule is a guarantee: once its delays and the duration of the attempts
 * have elapsed, the delivery has ended. Mechanisms that protect the destination (circuit, rate limit, concurrency cap) may use up
 * the time that is left, but no more.
 */
export interface Progress {
  /** The delay before each attempt, as drawn. */
  readonly delaysMs: readonly number[]
  readonly timeoutMs: number
  /** Attempts of the schedule, not counting `throttled`. */
  readonly attemptsMade: number
  /** Attempts that were answered with HTTP 429 and repeated within the schedule's time. */
  readonly throttled: number
  /** The time from when the next attempt is due to the deadline. Negative while a last attempt waits for a slot. */
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

/** The mechanism that holds an attempt back: the destination's circuit, or a slot in a rate limit or concurrency cap. */
export type HeldBy = 'circuit' | 'slot'

/**
 * How long a due attempt may be held back. Waiting for a slot may exceed the schedule by the attempt's timeout, because the
 * attempt will be made, only later.
 */
export function mayBeHeldMs({ leftMs, timeoutMs }: Progress, by: HeldBy): number {
  return Math.max(0, by === 'slot' ? leftMs + timeoutMs : leftMs)
}

/** The progress of a delivery after it was held back for this time. */
export function afterHold(progress: Progress, heldMs: number): Progress {
  return { ...progress, leftMs: progress.leftMs - heldMs }
}

/** The delay before the next attempt and the progress from then on; `undefined` if there is none. */
export function nextAttempt(progress: Progress): { delayMs: number; progress: Progress } | undefined {
  const attemptsMade = progress.attemptsMade + 1
  const scheduledMs = progress.delaysMs[attemptsMade]
  if (scheduledMs === undefined) return undefined
  // After earlier holds, an attempt due after the deadline is made at the deadline, unless that has passed.
  const delayMs = Math.max(0, Math.min(scheduledMs, progress.leftMs))
  if (scheduledMs > 0 && delayMs === 0) return undefined
  return { delayMs, progress: { ...progress, attemptsMade, leftMs: progress.leftMs - delayMs } }
}

/**
 * How often a destination that keeps answering HTTP 429 is called in addition to the schedule. After that the schedule applies.
 */
const maxThrottled = 10
const minRetryAfterMs = 1_000

/**
 * The next attempt after HTTP 429: at the requested time, without using up an attempt of the schedule, as long as the schedule
 * has time left. `undefined` if the schedule applies.
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

/** Describes where a schedule ended before its last attempt. */
export function endedEarly({ delaysMs }: Progress, attemptsMade: number): string {
  return `the retry schedule ended after ${attemptsMade} of ${delaysMs.length} attempts`
}
