import { createHash } from 'node:crypto'
import { z } from 'zod'
import { validate } from '../fields/validate.ts'

export const idempotencyHeader = 'Idempotency-Key'

const idempotencyKey = z.string().regex(/^[\x21-\x7E]{1,255}$/, 'must be 1 to 255 visible ASCII characters')

/** The key that a request carries, or 422 for one that is none. */
export function readIdempotencyKey(headerOf: (name: string) => string | undefined): string | undefined {
  const key = headerOf(idempotencyHeader)
  return key === undefined ? undefined : validate(idempotencyKey, key, idempotencyHeader)
}

/** A repeated request must give the same id, so an id made from a key is derived and never random. */
export function derivedId(prefix: string, parts: readonly string[]): string {
  return `${prefix}_${createHash('sha256').update(parts.join('/')).digest('hex').slice(0, 40)}`
}
