import { isJsonObject, type Json, type JsonObject } from '../event.ts'
import { measureRegex } from './regex.ts'

/** Limits of a filter, because it is stored and evaluated for every event. */
export const filterLimits = {
  bytes: 16 * 1024,
  /** Fields and operators, nested ones included. */
  keys: 200,
  /** Per operator. */
  listItems: 1000,
  depth: 20,
  regexes: 10,
  /** The total size of all compiled patterns: the cost of matching per character of the text. */
  regexSize: 300,
} as const

/** Returns which size limit a filter exceeds. Checked before anything else in it. */
export function sizeProblem(filter: JsonObject): string | undefined {
  const { bytes, keys, regexes } = filterLimits
  if (Buffer.byteLength(JSON.stringify(filter)) > bytes) return `must have at most ${bytes} bytes of JSON`
  const objects = objectsIn(filter)
  if (objects.reduce((sum, object) => sum + Object.keys(object).length, 0) > keys)
    return `must have at most ${keys} fields and operators`
  const patterns = objects.filter(({ $regex }) => $regex !== undefined)
  return patterns.length > regexes ? `must have at most ${regexes} $regex operators` : undefined
}

/** Returns a problem if the patterns are too large in total. Each must be valid by itself. */
export function regexProblem(filter: JsonObject): string | undefined {
  const size = objectsIn(filter).reduce((sum, object) => sum + measureRegexOf(object), 0)
  if (size <= filterLimits.regexSize) return undefined
  return 'has regular expressions that are too large in total (a group repeated by {100} counts 100 times)'
}

function objectsIn(value: Json): JsonObject[] {
  if (typeof value !== 'object' || value === null) return []
  return [...(isJsonObject(value) ? [value] : []), ...Object.values(value).flatMap(objectsIn)]
}

function measureRegexOf({ $regex, $options }: Partial<JsonObject>): number {
  if (typeof $regex !== 'string') return 0
  const measured = measureRegex($regex, typeof $options === 'string' ? $options : '')
  return 'size' in measured ? measured.size : 0
}
