import { countBy } from '../auth/rate-limit.ts'

/** Limit on attempts with invalid links, per network address. */
const misses = { points: 20, seconds: 60 }
/** Limit on visits per link, because each visit calls Temporal. */
const visits = { points: 30, seconds: 60 }

/**
 * Slows down callers that guess links. Visits with a valid link are counted by link instead of by address: callers behind a proxy
 * share one address, and must not be locked out by another caller's guesses.
 */
export function createLinkLimits() {
  return { countMiss: countBy(misses), countVisit: countBy(visits) }
}
