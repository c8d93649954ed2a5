import ms from 'ms'

/** Standard Webhooks, "Deliverability and reliability": ten attempts within about 75 hours. */
export const defaultSchedule = ['0s', '5s', '5m', '30m', '2h', '5h', '10h', '14h', '20h', '24h']
export const defaultTimeoutMs = 10_000

/** A whole number with its unit: `90s`, `5m`, `2h`, `1d`. */
export const durationPattern = /^\d{1,6}(ms|s|m|h|d)$/

const longestRetryAfterMs = ms('24h')
const jitter = 0.2

/** Milliseconds of a duration that fits `durationPattern`. */
export function durationMs(duration: string): number {
  return ms(duration as ms.StringValue)
}

export interface NextDelay {
  /** How many attempts were made. */
  attemptsMade: number
  /** What the receiver asked for by `Retry-After`, if it did. */
  retryAfterMs?: number | undefined
  /** A number in [0, 1): the workflow's own, so that replay repeats it. */
  random: number
}

/**
 * Milliseconds to wait before the next attempt, or `undefined` when the schedule is exhausted. The schedule's delay is
 * jittered by ±20 %; `Retry-After` can lengthen it to at most 24 h and never shorten it.
 */
export function nextDelayMs(
  scheduleMs: readonly number[],
  { attemptsMade, retryAfterMs, random }: NextDelay,
) {
  const scheduled = scheduleMs[attemptsMade]
  if (scheduled === undefined) return undefined
  const jittered = Math.round(scheduled * (1 - jitter + 2 * jitter * random))
  if (retryAfterMs === undefined) return jittered
  return Math.max(jittered, Math.min(retryAfterMs, longestRetryAfterMs))
}
