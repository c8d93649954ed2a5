import { isJsonObject, type Json, type JsonObject } from '../event.ts'
import { isDecimal } from './decimals.ts'
import { filterLimits, regexProblem, sizeProblem } from './limits.ts'
import { areRegexOptions, measureRegex } from './regex.ts'

export interface FilterProblem {
  path: string[]
  message: string
}

/** Operators that combine whole filters and are written beside fields. `$not` does both. */
const groups = ['$and', '$or', '$nor']

type Argument = 'any' | 'plain' | 'list' | 'boolean' | 'count' | 'text' | 'options' | 'object' | 'filters'

/** The operators of the filter language and their arguments. No `$where`, because it runs code. */
const operators: Partial<Record<string, Argument>> = {
  $eq: 'any', $ne: 'any', $gt: 'plain', $gte: 'plain', $lt: 'plain', $lte: 'plain',
  $in: 'list', $nin: 'list', $all: 'list', $exists: 'boolean', $size: 'count', $regex: 'text', $options: 'options',
  $and: 'filters', $or: 'filters', $nor: 'filters', $not: 'object', $elemMatch: 'object',
} // prettier-ignore

const refusals: Record<Argument, (value: Json) => string | undefined> = {
  any: () => undefined,
  plain: (value) =>
    typeof value === 'object' && !isDecimal(value) ? 'must be a string, number or boolean' : undefined,
  list: (value) => {
    if (!Array.isArray(value) || value.length === 0) return 'must be a non-empty array'
    return value.length > filterLimits.listItems
      ? `must have at most ${filterLimits.listItems} items`
      : undefined
  },
  boolean: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
  count: (value) =>
    Number.isInteger(value) && Number(value) >= 0 ? undefined : 'must be an integer of at least 0',
  text: (value) => (typeof value === 'string' ? undefined : 'must be a regular expression as a string'),
  options: (value) =>
    typeof value === 'string' && areRegexOptions(value)
      ? undefined
      : 'must consist of the letters i, m and s',
  object: (value) => (isJsonObject(value) ? undefined : 'must be an object'),
  filters: (value) =>
    Array.isArray(value) && value.length > 0 && value.every(isJsonObject)
      ? undefined
      : 'must be a non-empty array of filters',
}

/** Returns the problems of a filter with their paths inside it; empty if it is valid. */
export function filterProblems(filter: JsonObject): FilterProblem[] {
  const tooMuch = sizeProblem(filter)
  if (tooMuch !== undefined) return [{ path: [], message: tooMuch }]
  const problems = inFilter(filter, [])
  if (problems.length > 0) return problems
  const tooLarge = regexProblem(filter)
  return tooLarge === undefined ? [] : [{ path: [], message: tooLarge }]
}

/** True if an object is a field's condition, such as `{"$gt": 5}`, and not a value to compare with. */
export function isCondition(value: Json): value is JsonObject {
  return isJsonObject(value) && !isDecimal(value) && Object.keys(value).some((key) => key.startsWith('$'))
}

/** A filter holds fields, `$and`, `$or`, `$nor` and `$not`. */
function inFilter(filter: JsonObject, path: string[]): FilterProblem[] {
  if (path.length > filterLimits.depth) return tooDeep(path)
  return Object.entries(filter).flatMap(([key, value]) => {
    const here = [...path, key]
    if (!key.startsWith('$')) return isCondition(value) ? inCondition(value, here) : inValue(value, here)
    return argumentProblems(here, value) ?? inGroup(key, value, here)
  })
}

function inGroup(key: string, value: Json, here: string[]): FilterProblem[] {
  if (key === '$not') return isJsonObject(value) ? inFilter(value, here) : []
  if (!groups.includes(key) || !Array.isArray(value)) {
    return [
      {
        path: here,
        message: 'is only allowed on a field, as in {"data.score": {"$gt": 5}}',
      },
    ]
  }
  return value.flatMap((item, index) => (isJsonObject(item) ? inFilter(item, [...here, String(index)]) : []))
}

/** A condition holds operators only. */
function inCondition(condition: JsonObject, path: string[]): FilterProblem[] {
  if (path.length > filterLimits.depth) return tooDeep(path)
  return Object.entries(condition).flatMap(([key, value]) => {
    const here = [...path, key]
    if (!key.startsWith('$'))
      return [{ path: here, message: 'mixes a field with operators: write nested fields as a dotted path' }]
    if (groups.includes(key))
      return [
        { path: here, message: 'combines whole filters, so it is allowed beside fields but not below one' },
      ]
    if (key === '$options' && condition.$regex === undefined)
      return [{ path: here, message: 'needs a $regex beside it' }]
    return argumentProblems(here, value) ?? inOperator(key, value, here, condition)
  })
}

function inOperator(key: string, value: Json, here: string[], { $options }: JsonObject): FilterProblem[] {
  switch (key) {
    case '$not':
      return isCondition(value)
        ? inCondition(value, here)
        : [{ path: here, message: 'must contain operators, as in {"$gt": 5}' }]
    case '$elemMatch':
      if (!isJsonObject(value)) return []
      return isElementCondition(value) ? inCondition(value, here) : inFilter(value, here)
    case '$regex': {
      const options = typeof $options === 'string' && areRegexOptions($options) ? $options : ''
      if (typeof value !== 'string') return []
      const measured = measureRegex(value, options)
      return 'problem' in measured ? [{ path: here, message: measured.problem }] : []
    }
    default:
      return inValue(value, here)
  }
}

/** `{"$elemMatch": {"$gt": 5}}` is a condition on the item itself; with fields or `$or` it is a filter on the item. */
export function isElementCondition(value: JsonObject): boolean {
  const keys = Object.keys(value)
  return keys.length > 0 && keys.every((key) => key.startsWith('$') && !groups.includes(key))
}

/** A value to compare with. An operator inside would be taken for part of the value. */
function inValue(value: Json, path: string[]): FilterProblem[] {
  if (path.length > filterLimits.depth) return tooDeep(path)
  if (typeof value !== 'object' || value === null || isDecimal(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, key]
    if (!key.startsWith('$')) return inValue(inner, here)
    return argumentProblems(here, inner) ?? [{ path: here, message: 'is not allowed inside a value' }]
  })
}

function argumentProblems(path: string[], value: Json): FilterProblem[] | undefined {
  const takes = operators[path.at(-1) ?? '']
  if (!takes)
    return [
      { path, message: `is not a known operator; known operators: ${Object.keys(operators).join(', ')}` },
    ]
  const message = refusals[takes](value)
  return message === undefined ? undefined : [{ path, message }]
}

function tooDeep(path: string[]): FilterProblem[] {
  return [{ path, message: `is nested too deeply (at most ${filterLimits.depth} levels)` }]
}
