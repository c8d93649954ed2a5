import { createHash } from 'node:crypto'
import type { Event } from '../event.ts'
import { canonicalJson, exactly, isExactObject, type ExactJson } from '../json/exact-number.ts'
import { truncate } from '../truncate.ts'

/** The value that a delivery shares with those that it must not overtake. */
export interface OrderKey {
  /** For display: `data.customerId = "cus_1"`, truncated if the value is long. */
  text: string
  /** Identifies the queue: the same for equal values, and valid as part of a workflow id. */
  hash: string
}

/** A dotted path into an event, as in filters: `type`, or something inside `data`. */
export const orderPathPattern = /^(type|data(\.[^.$\s]+)+)$/

const maxValueLength = 64

/** The key of an event at an ordered destination; none if the event has no value there, in which case it waits for no other. */
export function getOrderKey(
  { type, data }: Pick<Event, 'type' | 'data'>,
  path: string | undefined,
): OrderKey | undefined {
  const value = path === undefined ? undefined : valueAt({ type, data }, path)
  if (value === undefined || value === null) return undefined
  const text = canonicalJson(value)
  return {
    // Redaction looks for the value up to this length (`maxQuotedLength` in payload-redaction.ts), so the ellipsis comes on top.
    text: `${path} = ${truncate(text, maxValueLength + 1)}`,
    hash: createHash('sha256').update(text).digest('hex').slice(0, 32),
  }
}

/** Returns an event's value at a dotted path such as `data.customerId`. */
export function valueAt({ type, data }: Pick<Event, 'type' | 'data'>, path: string): ExactJson | undefined {
  return path.split('.').reduce<ExactJson | undefined>(inner, { type, data: exactly(data) })
}

function inner(value: ExactJson | undefined, name: string): ExactJson | undefined {
  if (Array.isArray(value)) return value[Number(name)]
  return isExactObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}
