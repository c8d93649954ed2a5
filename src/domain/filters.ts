import siftModule from 'sift'
import type { JsonObject, Json } from './event.ts'

// The package is CommonJS with a default export inside; its types describe the ES module that bundlers see.
const sift = siftModule as unknown as typeof siftModule.default

/** Operators of the filter language. No `$where` (it runs code) and no `$regex` (it is not linear-time). */
const operators = new Set([
  '$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$exists',
  '$and', '$or', '$nor', '$not', '$all', '$elemMatch', '$size',
]) // prettier-ignore

export interface FilterProblem {
  path: string[]
  message: string
}

/** What is wrong with a filter, each with its path inside the filter; empty when it can be used. */
export function filterProblems(filter: Json, path: string[] = []): FilterProblem[] {
  if (path.length > 20) return [{ path, message: 'is nested too deeply (at most 20 levels)' }]
  if (Array.isArray(filter)) return filter.flatMap((item, index) => filterProblems(item, [...path, String(index)]))
  if (typeof filter !== 'object' || filter === null) return []
  return Object.entries(filter).flatMap(([key, value]) => {
    const here = [...path, key]
    if (key.startsWith('$') && !operators.has(key)) {
      return [{ path: here, message: `is not an operator; known are ${[...operators].join(', ')}` }]
    }
    return filterProblems(value, here)
  })
}

/**
 * Whether `subject` passes a MongoDB-style filter, evaluated by sift. A field that is absent equals nothing but
 * `{"$exists": false}`: sift, as MongoDB, lets `null` equal an absent field, so that case is asked for by hand.
 */
export function passesFilter(filter: JsonObject | undefined, subject: JsonObject): boolean {
  if (filter === undefined) return true
  return sift(strict(filter) as Record<string, unknown>)(subject)
}

/** `{"a": null}` becomes `{"a": {"$exists": true, "$eq": null}}` at every depth where a field is compared. */
function strict(filter: Json): Json {
  if (Array.isArray(filter)) return filter.map(strict)
  if (typeof filter !== 'object' || filter === null) return filter
  return Object.fromEntries(
    Object.entries(filter).map(([key, value]) =>
      value === null && !key.startsWith('$') ? [key, { $exists: true, $eq: null }] : [key, strict(value)],
    ),
  )
}
