import { LRUCache } from 'lru-cache'
import { isThrottled, type Outcome } from '../../domain/delivery/outcome.ts'
import type { CircuitTarget } from './circuits.ts'

/**
 * One worker's view of destinations that answer HTTP 429: how long to wait, and the gap between attempts. Kept in memory like
 * circuits: a new worker learns it from the next 429.
 */
export interface Throttles {
  find(destination: CircuitTarget): Throttle | undefined
  /** Records a 429; any other outcome changes nothing. */
  record(destination: CircuitTarget, outcome: Outcome): void
}

export interface Throttle {
  /** No attempt before this time (Unix ms). */
  notBefore: number
  /** The least time between two attempts. */
  gapMs: number
}

/** A destination that answers no 429 for this long gets back its own rate. */
const calmMs = 60_000
/** For a 429 without `Retry-After`. */
const defaultRetryAfterMs = 1_000
/**
 * `Retry-After` holds the destination's other deliveries for this long at most, because it may refer to one caller's daily quota.
 */
const maxWaitMs = 300_000
const maxGapMs = 10_000
/** The maximum number of destinations answering 429 to remember. Beyond it, the least recently used one is forgotten. */
const maxThrottles = 10_000
/** With exactly the requested gap, attempts would occasionally arrive too early. */
const margin = 1.1

export function createThrottles(now: () => number = Date.now): Throttles {
  const throttles = new LRUCache<string, Throttle & { recoveries: number; until: number }>({
    max: maxThrottles,
  })
  return {
    find({ id, recoveries }) {
      const known = throttles.get(id)
      if (!known || (known.recoveries >= recoveries && known.until > now())) return known
      throttles.delete(id)
      return undefined
    },
    record({ id, recoveries }, outcome) {
      if (outcome.kind !== 'failed' || !isThrottled(outcome)) return
      const { retryAfterMs = defaultRetryAfterMs } = outcome
      const notBefore = now() + Math.min(retryAfterMs, maxWaitMs)
      const gapMs = Math.min(Math.max(retryAfterMs, defaultRetryAfterMs) * margin, maxGapMs)
      throttles.set(id, { notBefore, gapMs, recoveries, until: notBefore + calmMs })
    },
  }
}
