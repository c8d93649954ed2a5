import { z } from 'zod'
import type { Json, JsonObject } from '../../domain/event.ts'

/** A name for display. Control characters are refused, because PostgreSQL stores no NUL and a mail header no line break. */
export const nameText = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(200)
  .regex(/^[^\p{Cc}]*$/u, 'must not contain control characters')

/** A text that a user writes, of one or more lines. */
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

/** The years that PostgreSQL and ISO 8601 write alike. An offset may lead beyond them. */
const storableYears = { from: Date.parse('0001-01-01T00:00:00Z'), to: Date.parse('9999-12-31T23:59:59.999Z') }

/** A time for PostgreSQL. */
export const storableTime = isoTime
  // Invalid times are reported above.
  .refine((text) => !(Date.parse(text) < storableYears.from || Date.parse(text) > storableYears.to), {
    message: 'must be in the years 1 to 9999, in UTC',
  })

/** Makes the first letter a capital one, for names of schemas that derive from the channels. */
export function capitalize(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}

const deepest = 64

/** A JSON object of limited depth, so that recursive code does not run out of stack. */
export const jsonObject = z
  .custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    error: (issue) => (issue.input === undefined ? 'is required' : 'must be a JSON object'),
  })
  .refine((value) => depth(value) <= deepest, `must not be nested deeper than ${deepest} levels`)

/** Iterative on purpose, because the input may be nested 100,000 levels deep. */
function depth(value: Json): number {
  let level: Json[] = [value]
  let levels = 0
  while (level.length > 0 && levels <= deepest) {
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
    levels++
  }
  return levels
}
