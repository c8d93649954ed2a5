import ipaddr from 'ipaddr.js'
import { ApiError } from '../errors.ts'
import { countBy } from './rate-limit.ts'
import type { RequestKey } from './request-key.ts'

/** Limit on calls with an unknown key, per network. */
const guesses = { points: 60, seconds: 60 }

/**
 * Slows down callers that guess keys: too many calls with an unknown key get 429. A valid key is never checked against this limit,
 * so callers are not locked out by others behind the same proxy. A call without a key guesses nothing and is not counted.
 */
export function createKeyGuesses() {
  const count = countBy(guesses)
  return async ({ key }: RequestKey, address: string | undefined, refusal: unknown): Promise<never> => {
    const guessed = key !== undefined && refusal instanceof ApiError && refusal.code === 'unauthorized'
    if (guessed) await count(toNetwork(address ?? ''))
    throw refusal
  }
}

/** Returns the address or, for IPv6, its first 64 bits, because one caller usually has all addresses that share them. */
function toNetwork(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString()
}
