import { isJsonObject, type Json } from '../event.ts'
import { ExactNumber, isExactObject, type ExactJson } from '../json/exact-number.ts'

/** A JSON number as a string. Source: RFC 8259 §6. */
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/**
 * How filters write a number that JavaScript cannot represent, as in MongoDB's Extended JSON: `{"$numberDecimal":
 * "9007199254740993"}`.
 */
interface Decimal {
  $numberDecimal: string
}

export function isDecimal(value: Json): value is Json & Decimal {
  if (!isJsonObject(value) || Object.keys(value).length !== 1) return false
  return typeof value.$numberDecimal === 'string' && jsonNumber.test(value.$numberDecimal)
}

/** A value of a filter as it is compared. */
export function readConstant(value: Json): ExactJson {
  if (isDecimal(value)) return new ExactNumber(value.$numberDecimal)
  if (Array.isArray(value)) return value.map(readConstant)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, readConstant(inner)]))
}

/** A filter as it is stored. */
export function withDecimals(value: ExactJson): Json {
  if (value instanceof ExactNumber) return { $numberDecimal: String(value) }
  if (Array.isArray(value)) return value.map(withDecimals)
  if (!isExactObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withDecimals(inner)]))
}
