import { Big } from 'big.js'
import { parse } from 'lossless-json'
import { keptText, textKey } from './json-text.ts'

/** JSON with an `ExactNumber` for each number that JavaScript would write differently from how it was posted. */
export type ExactJson = string | number | boolean | null | ExactNumber | ExactJson[] | ExactObject
export type ExactObject = { [key: string]: ExactJson }

export type Numeric = number | ExactNumber

/** `10.00`, `1e3` or `9007199254740993`. liquidjs compares it by `equals` and the like, and calculates with `valueOf`. */
export class ExactNumber {
  readonly #text: string
  #decimal: Big | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** `stringifyExactly` writes it as that. */
  get [textKey](): string {
    return this.#text
  }

  get decimal(): Big {
    return (this.#decimal ??= new Big(this.#text))
  }

  toString(): string {
    return this.#text
  }

  valueOf(): number {
    return Number(this.#text)
  }

  toJSON(): number {
    return this.valueOf()
  }

  equals(other: unknown): boolean {
    return isNumeric(other) && compareNumbers(this, other) === 0
  }

  gt(other: unknown): boolean {
    return isNumeric(other) && compareNumbers(this, other) > 0
  }

  geq(other: unknown): boolean {
    return isNumeric(other) && compareNumbers(this, other) >= 0
  }

  lt(other: unknown): boolean {
    return isNumeric(other) && compareNumbers(this, other) < 0
  }

  leq(other: unknown): boolean {
    return isNumeric(other) && compareNumbers(this, other) <= 0
  }
}

export function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'number' || value instanceof ExactNumber
}

export function isExactObject(value: ExactJson | undefined): value is ExactObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isNumeric(value)
}

/** Compares decimal values: negative, zero or positive if the first is less than, equal to or greater than the second. */
export function compareNumbers(a: Numeric, b: Numeric): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return toBig(a).cmp(toBig(b))
}

function toBig(value: Numeric): Big {
  return typeof value === 'number' ? new Big(value) : value.decimal
}

/** Equal numbers have the same text, by JavaScript’s rules: `10`, `10.00` and `1e1` all give `10`. */
function canonicalNumber(value: Numeric): string {
  return typeof value === 'number' ? String(value) : value.decimal.toString()
}

/** The same text for equal values: whitespace, the order of keys and the notation of numbers do not matter (docs/concepts/events.md). */
export function canonicalJson(value: ExactJson): string {
  if (isNumeric(value)) return canonicalNumber(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isExactObject(value)) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${canonicalJson(inner)}`).join(',')}}`
}

/** A payload with numbers as they were posted, or the payload itself if JavaScript writes them the same way. */
export function exactly(data: ExactObject): ExactObject {
  const text = keptText(data)
  if (text === undefined || !mayHoldExactNumbers.test(text)) return data
  const known = parsed.get(data)
  if (known) return known
  const made = parse(text, null, {
    parseNumber: toNumeric,
    onDuplicateKey: ({ newValue }) => newValue,
  }) as ExactObject
  parsed.set(data, made)
  return made
}

/** Parsed once for all filters and templates that read it. */
const parsed = new WeakMap<ExactObject, ExactObject>()

function toNumeric(text: string): Numeric {
  const double = Number(text)
  return String(double) === text ? double : new ExactNumber(text)
}

/**
 * Finds numbers that JavaScript would write differently: with an exponent, a trailing zero in the fraction, 16 or more digits,
 * below 0.000001, or negative zero. Matches inside strings only cost time.
 */
const mayHoldExactNumbers =
  /[[:,\s](?:-?\d+(?:\.\d+)?[eE]|-?\d+\.\d*0[\s,\]}]|-?[\d.]{16}|-?0\.0{6}|-0[\s,\]}])/
