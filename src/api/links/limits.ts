import { countBy } from '../auth/rate-limit.ts'

/** Guesses at links, by the address that they come from. */
const misses = { points: 20, seconds: 60 }
/** Of one link: each call asks Temporal. */
const visits = { points: 30, seconds: 60 }

/**
 * What holds back who tries links out. Those whose link is good are counted by the link and not by their address: behind a proxy
 * all have the same one, and nobody is to be locked out by another's guesses.
 */
export function createLinkLimits() {
  return { countMiss: countBy(misses), countVisit: countBy(visits) }
}
