import { _, type Ajv, type FuncKeywordDefinition } from 'ajv'
import {
  canonicalJson,
  compareNumbers,
  ExactNumber,
  isExactObject,
  isNumeric,
  type ExactJson,
  type ExactObject,
} from '../../../domain/json/exact-number.ts'
import { isMultipleOf } from './multiples.ts'

/** The `this` of a validator: the data with its exact numbers. */
interface Context {
  exact: ExactObject
}

/** Ajv's position in the data, as a JSON pointer. */
interface Where {
  instancePath: string
}

/** Makes Ajv compare numbers by their exact values. Validate `standIn(exact)`, with `{exact}` as `this`. */
export function compareExactly<Instance extends Ajv>(ajv: Instance): Instance {
  for (const keyword of keywords) {
    ajv.removeKeyword(String(keyword.keyword))
    ajv.addKeyword(keyword)
  }
  return ajv
}

/**
 * Returns data for Ajv, which supports JavaScript numbers only: each exact number becomes a JavaScript number of the same type
 * (integer or not), which is all that Ajv looks at.
 */
export function standIn(value: ExactJson): unknown {
  if (value instanceof ExactNumber) return doubleLike(value)
  if (Array.isArray(value)) return value.map(standIn)
  if (!isExactObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, standIn(inner)]))
}

/** Returns a finite number, which is an integer if the exact number is one. */
function doubleLike(value: ExactNumber): number {
  const { c: digits, e: exponent } = value.decimal
  const isInteger = digits.length - 1 <= exponent
  const double = value.valueOf()
  if (!Number.isFinite(double)) return Number.MAX_VALUE
  return Number.isInteger(double) === isInteger ? double : 0.5
}

const keywords: FuncKeywordDefinition[] = [
  bound('minimum', '>=', (order) => order >= 0),
  bound('maximum', '<=', (order) => order <= 0),
  bound('exclusiveMinimum', '>', (order) => order > 0),
  bound('exclusiveMaximum', '<', (order) => order < 0),
  {
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    error: { message: ({ schemaCode }) => `must be multiple of ${String(schemaCode)}` },
    validate: exactKeyword((divisor: number, value) => isNumeric(value) && isMultipleOf(value, divisor)),
  },
  {
    keyword: 'const',
    error: {
      message: 'must be equal to constant',
      params: ({ schemaCode }) => _`{allowedValue: ${schemaCode}}`,
    },
    validate: exactKeyword((allowed: ExactJson, value) => canonicalJson(allowed) === canonicalJson(value)),
  },
  {
    keyword: 'enum',
    schemaType: 'array',
    error: {
      message: 'must be equal to one of the allowed values',
      params: ({ schemaCode }) => _`{allowedValues: ${schemaCode}}`,
    },
    validate: exactKeyword((allowed: ExactJson[], value) =>
      allowed.map(canonicalJson).includes(canonicalJson(value)),
    ),
  },
  {
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    error: { message: 'must NOT have duplicate items' },
    validate: exactKeyword(
      (isAsked: boolean, value) => !isAsked || !Array.isArray(value) || areUnique(value),
    ),
  },
]

function bound(keyword: string, sign: string, isFit: (order: number) => boolean): FuncKeywordDefinition {
  return {
    keyword,
    type: 'number',
    schemaType: 'number',
    error: { message: ({ schemaCode }) => `must be ${sign} ${String(schemaCode)}` },
    validate: exactKeyword((limit: number, value) => isNumeric(value) && isFit(compareNumbers(value, limit))),
  }
}

function exactKeyword<Schema>(fits: (schema: Schema, value: ExactJson) => boolean) {
  return function validate(this: Context, schema: Schema, data: unknown, _parent?: unknown, where?: Where) {
    return fits(schema, exactValue(this.exact, data, where?.instancePath ?? ''))
  }
}

/**
 * Returns the value at a JSON pointer (RFC 6901). A string may be a property name, which has no pointer, and is returned as it is.
 */
function exactValue(exact: ExactObject, data: unknown, pointer: string): ExactJson {
  if (typeof data === 'string') return data
  const names = pointer.split('/').slice(1)
  return names.reduce<ExactJson>((value, name) => {
    const inner = (value as ExactObject)[name.replaceAll('~1', '/').replaceAll('~0', '~')]
    return inner ?? null
  }, exact)
}

function areUnique(items: readonly ExactJson[]): boolean {
  return new Set(items.map(canonicalJson)).size === items.length
}
