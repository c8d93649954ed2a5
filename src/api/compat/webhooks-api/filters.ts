import { isJsonObject, type Json, type JsonObject } from '../../../domain/event.ts'

/**
 * A contract's `filters` in our filter language. Its client knows only the payload, so that a bare field stands for one
 * of the payload's: `{"risk": "high"}` is `{"data.risk": "high"}`. Our own paths and operators are taken as they are.
 */
export function toFilter(filters: JsonObject): JsonObject | undefined {
  return Object.keys(filters).length > 0 ? withPaths(filters) : undefined
}

function withPaths(filters: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(filters).map(([key, value]): [string, Json] =>
      takesFilters(key) && Array.isArray(value)
        ? [key, value.map((inner) => (isJsonObject(inner) ? withPaths(inner) : inner))]
        : [toPath(key), value],
    ),
  )
}

/** A path in the filter that was made of them, as it is in what was given. */
export function givenPath(given: Json | undefined, path: string[]): string[] {
  const [first, ...rest] = path
  if (first === undefined || typeof given !== 'object' || given === null) return path
  const entry = Object.entries(given).find(([key]) => key === first || toPath(key) === first)
  return entry ? [entry[0], ...givenPath(entry[1], rest)] : path
}

function takesFilters(key: string): boolean {
  return ['$and', '$or', '$nor'].includes(key)
}

function toPath(key: string): string {
  return key.startsWith('$') || /^(id|type|data)(\.|$)/.test(key) ? key : `data.${key}`
}
