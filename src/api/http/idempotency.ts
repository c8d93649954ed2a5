import { createHash } from 'node:crypto'
import { z } from 'zod'
import { validate } from '../fields/validate.ts'

export const idempotencyHeader = 'Idempotency-Key'

const idempotencyKey = z.string().regex(/^[\x21-\x7E]{1,255}$/, 'must be 1 to 255 visible ASCII characters')

/** Returns the request's idempotency key, or throws 422 if it is invalid. */
export function readIdempotencyKey(headerOf: (name: string) => string | undefined): string | undefined {
  const key = headerOf(idempotencyHeader)
  return key === undefined ? undefined : validate(idempotencyKey, key, idempotencyHeader)
}

/** Derives an id from the key. It is never random, because a repeated request must return the same id. */
export function derivedId(prefix: string, parts: readonly string[]): string {
  return `${prefix}_${createHash('sha256').update(parts.join('/')).digest('hex').slice(0, 40)}`
}
