import { hopsHeader, maxHops } from '../../domain/hops.ts'
import { ApiError, invalid } from '../errors.ts'

/**
 * The number of webhooks that led to a call, or 422. The status is not HTTP's own for loops (508, RFC 5842), because clients send
 * again what is answered with 5xx.
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
