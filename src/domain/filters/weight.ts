import { isJsonObject, type Json, type JsonObject } from '../event.ts'

/** A regular expression costs about as much as this many comparisons, whatever its input. */
const regexWeight = 1_000

/** The approximate cost of a filter per value: names, operators and arguments. */
export function filterWeight(filter: Json): number {
  if (Array.isArray(filter)) return filter.reduce<number>((sum, item) => sum + filterWeight(item), 1)
  if (!isJsonObject(filter)) return 1
  const own = filter.$regex === undefined ? 1 : regexWeight
  return Object.values(filter).reduce<number>((sum, value) => sum + filterWeight(value), own)
}

/** Weight times values: about 5 ms on a slow machine. */
const maxInlineCost = 50_000

/**
 * True if filters are cheap enough to run without a thread. Regular expressions always need one, because their cost in time and
 * memory is known only once they have run.
 */
export function areCheap(filters: readonly JsonObject[], data: JsonObject): boolean {
  let weight = 0
  for (const filter of filters) {
    weight += filterWeight(filter)
    if (weight >= regexWeight) return false
  }
  return weight * countValues(data, maxInlineCost) <= maxInlineCost
}

/** Counts the values inside a value, itself included, up to `most`. */
function countValues(root: Json, most: number): number {
  const open: Json[] = [root]
  let count = 0
  for (let value = open.pop(); value !== undefined && count < most; value = open.pop()) {
    count++
    if (typeof value === 'object' && value !== null)
      for (const inner of Object.values(value)) open.push(inner)
  }
  return count
}
