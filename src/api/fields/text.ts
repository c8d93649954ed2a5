import { z } from 'zod'
import type { Json, JsonObject } from '../../domain/event.ts'

/** A name that people read. No control characters: PostgreSQL stores no NUL, and a mail header no line break. */
export const nameText = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(200)
  .regex(/^[^\p{Cc}]*$/u, 'must not contain control characters')

/** What somebody has to say, in several lines if need be. */
export const noteText = z
  .string()
  .overwrite((text) => text.replaceAll('\r\n', '\n').trim())
  .min(1, 'must not be empty')
  .max(1000)
  .regex(/^(?:[^\p{Cc}]|[\n\t])*$/u, 'must not contain control characters other than line breaks and tabs')

export const isoTime = z.iso.datetime({
  offset: true,
  message: 'must be an ISO 8601 timestamp such as 2026-01-31T12:00:00Z',
})

const deepest = 64

/** Any JSON object that is not nested beyond reason: what is recursive further on must not run out of stack. */
export const jsonObject = z
  .custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    error: (issue) => (issue.input === undefined ? 'is required' : 'must be a JSON object'),
  })
  .refine((value) => depth(value) <= deepest, `must not be nested deeper than ${deepest} levels`)

/** Iterative on purpose: the input may be nested 100,000 levels deep. */
function depth(value: Json): number {
  let level: Json[] = [value]
  let levels = 0
  while (level.length > 0 && levels <= deepest) {
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
    levels++
  }
  return levels
}
