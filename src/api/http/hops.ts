import { hopsHeader, maxHops } from '../../domain/hops.ts'
import { ApiError, invalid } from '../errors.ts'

/**
 * Returns the number of webhooks that led to a call, or throws 422. HTTP's own status for loops (508, RFC 5842) is not used,
 * because clients retry after a 5xx.
 */
export function readHops(headerOf: (name: string) => string | undefined): number {
  const text = headerOf(hopsHeader)
  if (text === undefined) return 0
  if (!/^\d{1,3}$/.test(text))
    throw invalid([{ path: hopsHeader, message: 'must be a number from 0 to 999' }])
  const hops = Number(text)
  if (hops > maxHops) throw loopDetected(hops)
  return hops
}

function loopDetected(hops: number): ApiError {
  return new ApiError(
    'loop_detected',
    `This request results from a chain of ${hops} webhooks; the limit is ${maxHops}. One of your webhook receivers calls this API for every webhook it gets: make it ignore events that it caused.`,
    { errors: [{ path: hopsHeader, message: `must be at most ${maxHops}` }] },
  )
}
