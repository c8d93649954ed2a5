import siftModule from 'sift'
import { isJsonObject, type Event, type Json, type JsonObject } from '../event.ts'
import {
  canonicalJson,
  compareNumbers,
  exactly,
  isExactObject,
  isNumeric,
  type ExactJson,
  type ExactObject,
} from '../json/exact-number.ts'
import { readConstant } from './decimals.ts'
import { isCondition, isElementCondition } from './problems.ts'
import { compileRegex } from './regex.ts'

export { filterProblems, type FilterProblem } from './problems.ts'

const { createEqualsOperation, createQueryTester, $and, $or, $nor, $not } = siftModule

/** The part of an event that filters see, in subscriptions, rules, quiet hours and branches. */
export function filterSubject({ id, type, data }: Pick<Event, 'id' | 'type' | 'data'>): ExactObject {
  return { id, type, data: exactly(data) }
}

/**
 * True if `subject` matches a MongoDB-style filter (docs/reference/filters.md), which must be valid. sift combines the operators. Finding
 * and comparing the values at a path is our code: sift, like MongoDB, lets `null` equal an absent field, treats inherited
 * properties and a string's `length` as fields, and walks nested arrays once for each nested operator.
 */
export function passesFilter(filter: JsonObject | undefined, subject: ExactObject): boolean {
  return filter === undefined || compileFilter(filter)(subject)
}

/** `overBudget` says why a filter was not evaluated: its tenant's budget would be exceeded. */
export type Verdict = boolean | { overBudget: string }

/** Returns each filter's verdict on one event. */
export type Verdicts = (filter: JsonObject | undefined) => Verdict

/** Evaluates each filter once, on demand: for filters that are known to be cheap. */
export function evaluateFilters(event: Pick<Event, 'id' | 'type' | 'data'>): Verdicts {
  const subject = filterSubject(event)
  const known = new Map<JsonObject, boolean>()
  return (filter) => {
    if (filter === undefined) return true
    const passes = known.get(filter) ?? passesFilter(filter, subject)
    known.set(filter, passes)
    return passes
  }
}

type Test<Value> = (value: Value) => boolean

function compileFilter(filter: JsonObject): Test<ExactJson> {
  return createQueryTester(toSift(filter), { operations: { $and, $or, $nor, $not, $field } })
}

/** A field's test as one of sift's operations. */
const $field = (
  test: Test<ExactJson>,
  owner: unknown,
  options: Parameters<typeof createEqualsOperation>[2],
) => createEqualsOperation(test, owner, options)

/** The filter with its fields as `$field` operations. */
function toSift(filter: JsonObject): object {
  const parts = Object.entries(filter).map(([key, value]) => {
    if (key === '$not' && isJsonObject(value)) return { $not: toSift(value) }
    if (key.startsWith('$')) return { [key]: toList(value).filter(isJsonObject).map(toSift) }
    return { $field: fieldTest(key.split('.'), value) }
  })
  return parts.length > 0 ? { $and: parts } : {}
}

function fieldTest(path: string[], condition: Json): Test<ExactJson> {
  const test = compileCondition(condition)
  return (subject) => test(valuesAt(subject, path))
}

/** All values at a path: none if it is absent, several if the path passes through an array. */
function valuesAt(value: ExactJson | undefined, path: string[], depth = 0): ExactJson[] {
  const name = path[depth]
  if (value === undefined) return []
  if (name === undefined) return [value]
  if (Array.isArray(value)) {
    if (!/^\d+$/.test(name)) return value.flatMap((item) => valuesAt(item, path, depth))
    return Object.hasOwn(value, name) ? valuesAt(value[Number(name)], path, depth + 1) : []
  }
  return isExactObject(value) && Object.hasOwn(value, name) ? valuesAt(value[name], path, depth + 1) : []
}

function compileCondition(condition: Json): Test<ExactJson[]> {
  if (!isCondition(condition)) return compileOperator('$eq', condition)
  const { $options, ...operators } = condition
  const tests = Object.entries(operators).map(([name, argument]) =>
    compileOperator(name, argument, typeof $options === 'string' ? $options : ''),
  )
  return (values) => tests.every((test) => test(values))
}

/** Compiles an operator to a test of all values at a path. */
function compileOperator(name: string, argument: Json, options = ''): Test<ExactJson[]> {
  switch (name) {
    case '$exists':
      return (values) => values.length > 0 === argument
    case '$not':
      return not(compileCondition(argument))
    case '$ne':
      return unlessNullIsMeant([argument], not(compileOperator('$eq', argument)))
    case '$nin':
      return unlessNullIsMeant(toList(argument), not(compileOperator('$in', argument)))
    case '$all': {
      const tests = toList(argument).map(compileCondition)
      return (values) => tests.every((test) => test(values))
    }
    case '$size':
      return (values) => values.some((value) => Array.isArray(value) && value.length === argument)
    case '$elemMatch': {
      const test = elementTest(argument)
      return (values) => values.some((value) => Array.isArray(value) && value.some((item) => test(item)))
    }
    default: {
      const test = valueTest(name, argument, options)
      return (values) => values.some((value) => test(value) || (Array.isArray(value) && value.some(test)))
    }
  }
}

/** As in MongoDB, `{"$ne": null}` needs a value, so it does not match an absent field. */
function unlessNullIsMeant(compared: Json[], test: Test<ExactJson[]>): Test<ExactJson[]> {
  return compared.includes(null) ? (values) => values.length > 0 && test(values) : test
}

function elementTest(argument: Json): Test<ExactJson> {
  if (!isJsonObject(argument)) return () => false
  if (!isElementCondition(argument)) {
    const test = compileFilter(argument)
    return (item) => isExactObject(item) && test(item)
  }
  const test = compileCondition(argument)
  return (item) => test([item])
}

const orders: Partial<Record<string, (order: number) => boolean>> = {
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
}

/** Compiles an operator to a test of one value. */
function valueTest(name: string, argument: Json, options: string): Test<ExactJson> {
  if (name === '$in') return isOneOf(toList(argument).map(readConstant))
  if (name === '$regex' && typeof argument === 'string') {
    const regex = compileRegex(argument, options)
    return (value) => typeof value === 'string' && regex.test(value)
  }
  const constant = readConstant(argument)
  const isInOrder = orders[name]
  return isInOrder ? (value) => isInOrder(compareValues(value, constant)) : isOneOf([constant])
}

/** NaN for values of different types, which have no order. */
function compareValues(a: ExactJson, b: ExactJson): number {
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b)
  const areTexts = typeof a === 'string' && typeof b === 'string'
  const areFlags = typeof a === 'boolean' && typeof b === 'boolean'
  if (!areTexts && !areFlags) return NaN
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Uses a set, because both arrays may be long. Numbers are equal by their exact values, whatever their notation. */
function isOneOf(list: readonly ExactJson[]): Test<ExactJson> {
  const plain = new Set(list)
  const numbers = new Set(list.filter(isNumeric).map(canonicalJson))
  const composites = new Set(list.filter(isComposite).map(canonicalJson))
  return (value) => {
    if (isNumeric(value)) return numbers.has(canonicalJson(value))
    return isComposite(value) ? composites.size > 0 && composites.has(canonicalJson(value)) : plain.has(value)
  }
}

function isComposite(value: ExactJson): value is ExactJson[] | ExactObject {
  return Array.isArray(value) || isExactObject(value)
}

function not<Value>(test: Test<Value>): Test<Value> {
  return (value) => !test(value)
}

function toList(value: Json): Json[] {
  return Array.isArray(value) ? value : []
}
