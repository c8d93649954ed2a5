import siftModule from 'sift'
import { isJsonObject, type Json, type JsonObject } from './event.ts'

// The package is CommonJS with a default export inside; its types describe the ES module that bundlers see.
const sift = siftModule as unknown as typeof siftModule.default

type Argument = 'any' | 'plain' | 'list' | 'filter' | 'filters' | 'boolean' | 'count'

/** Operators of the filter language, and what each takes. No `$where` (it runs code), no `$regex` (not linear-time). */
const operators: Partial<Record<string, Argument>> = {
  $eq: 'any', $ne: 'any', $gt: 'plain', $gte: 'plain', $lt: 'plain', $lte: 'plain',
  $in: 'list', $nin: 'list', $all: 'list', $exists: 'boolean', $size: 'count',
  $and: 'filters', $or: 'filters', $nor: 'filters', $not: 'filter', $elemMatch: 'filter',
} // prettier-ignore

const refusals: Record<Argument, (value: Json) => string | undefined> = {
  any: () => undefined,
  plain: (value) => (typeof value === 'object' ? 'takes a text, a number, true or false' : undefined),
  list: (value) => (Array.isArray(value) && value.length > 0 ? undefined : 'takes a list that is not empty'),
  boolean: (value) => (typeof value === 'boolean' ? undefined : 'takes true or false'),
  count: (value) => (Number.isInteger(value) ? undefined : 'takes a whole number'),
  filter: (value) => (isJsonObject(value) ? undefined : 'takes an object'),
  filters: (value) =>
    Array.isArray(value) && value.length > 0 && value.every(isJsonObject)
      ? undefined
      : 'takes a list of filters',
}

export interface FilterProblem {
  path: string[]
  message: string
}

/** What is wrong with a filter, each with its path inside the filter; empty when it can be used. */
export function filterProblems(filter: JsonObject): FilterProblem[] {
  const problems = operatorProblems(filter, [])
  if (problems.length > 0) return problems
  try {
    passesFilter(filter, {})
    return []
  } catch {
    return [{ path: [], message: 'mixes operators and fields, or has an operator where it cannot stand' }]
  }
}

function operatorProblems(filter: Json, path: string[]): FilterProblem[] {
  if (path.length > 20) return [{ path, message: 'is nested too deeply (at most 20 levels)' }]
  if (Array.isArray(filter))
    return filter.flatMap((item, index) => operatorProblems(item, [...path, String(index)]))
  if (!isJsonObject(filter)) return []
  return Object.entries(filter).flatMap(([key, value]) => {
    const here = [...path, key]
    if (!key.startsWith('$')) return operatorProblems(value, here)
    const takes = operators[key]
    if (!takes) {
      return [{ path: here, message: `is not an operator; known are ${Object.keys(operators).join(', ')}` }]
    }
    const message = refusals[takes](value)
    return message ? [{ path: here, message }] : operatorProblems(value, here)
  })
}

/**
 * Whether `subject` passes a MongoDB-style filter, evaluated by sift. A field that is absent equals nothing but
 * `{"$exists": false}`: sift, as MongoDB, lets `null` equal an absent field, so presence is asked for by hand.
 */
export function passesFilter(filter: JsonObject | undefined, subject: JsonObject): boolean {
  if (filter === undefined) return true
  return sift(strict(filter) as Record<string, unknown>)(subject)
}

const nesting = ['$and', '$or', '$nor', '$not', '$elemMatch']

/** Adds `{"$exists": true}` wherever a field is compared with `null`. What a field is compared with stays as it is. */
function strict(filter: Json): Json {
  if (Array.isArray(filter)) return filter.map(strict)
  if (!isJsonObject(filter)) return filter
  const entries = Object.entries(filter).map(([key, value]): [string, Json] => {
    if (key.startsWith('$')) return [key, nesting.includes(key) ? strict(value) : value]
    if (value === null) return [key, { $exists: true, $eq: null }]
    return [
      key,
      isJsonObject(value) && Object.keys(value).some((inner) => inner.startsWith('$'))
        ? strict(value)
        : value,
    ]
  })
  return { ...(acceptsNull(filter) && { $exists: true }), ...Object.fromEntries(entries) }
}

function acceptsNull({ $eq, $in }: Partial<Record<string, Json>>): boolean {
  return $eq === null || (Array.isArray($in) && $in.includes(null))
}
