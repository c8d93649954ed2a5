import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import { isJsonObject, type Event, type Json } from './event.ts'
import { truncate } from './truncate.ts'

/** What a delivery to an ordered destination has in common with those that it must not overtake. */
export interface OrderKey {
  /** For people: `data.customerId = "cus_1"`, cut short where the value is long. */
  text: string
  /** Names the queue: the same for equal values, and fit to be a part of a workflow id. */
  hash: string
}

/** A dotted path into an event, as filters write it: `type`, or something inside `data`. */
export const orderPathPattern = /^(type|data(\.[^.$\s]+)+)$/

const longestValue = 64

/** The key of an event at an ordered destination; none where the event has no value there: it then waits for nobody. */
export function orderKeyOf(
  { type, data }: Pick<Event, 'type' | 'data'>,
  path: string | undefined,
): OrderKey | undefined {
  const value = path === undefined ? undefined : valueAt({ type, data }, path)
  if (value === undefined || value === null) return undefined
  // Sorted keys: two objects are equal in whatever order their fields were sent.
  const text = stringify(value)
  return {
    // Redaction looks for the value up to this length (`quotedMax` in payload-redaction.ts), so the ellipsis comes on top.
    text: `${path} = ${truncate(text, longestValue + 1)}`,
    hash: createHash('sha256').update(text).digest('hex').slice(0, 32),
  }
}

/** What an event has at a dotted path, as in `data.customerId`. */
export function valueAt({ type, data }: Pick<Event, 'type' | 'data'>, path: string): Json | undefined {
  return path.split('.').reduce<Json | undefined>(inner, { type, data })
}

function inner(value: Json | undefined, name: string): Json | undefined {
  if (Array.isArray(value)) return value[Number(name)]
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}
