export interface RetryPolicy {
  /** Attempts after the first. */
  maxRetries: number
  /** The longest delay before the first retry. It doubles with every further one. */
  minDelayMs: number
  /** The longest delay before any retry. A response that asks for more by `Retry-After` is not retried. */
  maxDelayMs: number
}

/**
 * Returns the delay before the next attempt, or undefined if there is none. Jitter spreads clients that failed together; a delay
 * that the server asked for is never shortened. `attempt` is 1 for the first one, `random` is between 0 and 1.
 */
export function retryDelayMs(
  { maxRetries, minDelayMs, maxDelayMs }: RetryPolicy,
  attempt: number,
  retryAfterMs = 0,
  random = Math.random(),
): number | undefined {
  if (attempt > maxRetries || retryAfterMs > maxDelayMs) return undefined
  const ceilingMs = Math.min(maxDelayMs, minDelayMs * 2 ** (attempt - 1))
  return Math.max(retryAfterMs, ceilingMs / 2 + (random * ceilingMs) / 2)
}

/** Reads `Retry-After`: seconds or an HTTP date (RFC 9110, section 10.2.3). */
export function parseRetryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined
  if (/^\d+$/.test(header)) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

/** Waits, and rejects with the signal's reason if it is aborted meanwhile. */
export function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, delayMs)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}
