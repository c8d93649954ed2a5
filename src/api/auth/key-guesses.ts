import ipaddr from 'ipaddr.js'
import { ApiError } from '../errors.ts'
import { countBy } from './rate-limit.ts'
import type { RequestKey } from './request-key.ts'

/** Calls with a key that is not known, by the network that they come from. */
const guesses = { points: 60, seconds: 60 }

/**
 * Holds back who tries keys out: after so many that are not known, the answer is 429. Whoever has a good key is never asked, so
 * that nobody is locked out by others behind the same proxy. A call without any key guesses nothing and is not counted.
 */
export function createKeyGuesses() {
  const count = countBy(guesses)
  return async ({ key }: RequestKey, address: string | undefined, refusal: unknown): Promise<never> => {
    const guessed = key !== undefined && refusal instanceof ApiError && refusal.code === 'unauthorized'
    if (guessed) await count(toNetwork(address ?? ''))
    throw refusal
  }
}

/** An address; of IPv6 its first 64 bits, as one caller has all of those. */
function toNetwork(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString()
}
