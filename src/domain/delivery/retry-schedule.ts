import ms from 'ms'

/** Standard Webhooks, "Deliverability and reliability": ten attempts within about 75 hours. */
export const defaultSchedule = ['0s', '5s', '5m', '30m', '2h', '5h', '10h', '14h', '20h', '24h']
export const defaultTimeoutMs = 10_000

/** A whole number with its unit: `90s`, `5m`, `2h`, `1d`. */
export const durationPattern = /^\d{1,6}(ms|s|m|h|d)$/

const maxRetryAfterMs = ms('24h')
const jitter = 0.2

/** Milliseconds of a duration that fits `durationPattern`. */
export function durationMs(duration: string): number {
  return ms(duration as ms.StringValue)
}

/** A schedule's delays (ms) with random jitter of ±20 %, except the one before the first attempt. */
export function drawDelays(scheduleMs: readonly number[], random: () => number): number[] {
  return scheduleMs.map((delayMs, index) =>
    index === 0 ? delayMs : Math.round(delayMs * (1 - jitter + 2 * jitter * random())),
  )
}

/** `Retry-After` can lengthen a delay to at most 24 h, and never shortens it. */
export function lengthened(delayMs: number, retryAfterMs: number | undefined): number {
  return retryAfterMs === undefined ? delayMs : Math.max(delayMs, Math.min(retryAfterMs, maxRetryAfterMs))
}
