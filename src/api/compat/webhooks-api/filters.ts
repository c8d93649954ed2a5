import { isJsonObject, type Json, type JsonObject } from '../../../domain/event.ts'

/**
 * Converts a contract's `filters` to our filter language. The contract's clients know only the payload, so a bare field means a
 * payload field: `{"risk": "high"}` becomes `{"data.risk": "high"}`. Our own paths and operators are kept.
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

/** Maps a path in the converted filter back to the path in the given filters. */
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
