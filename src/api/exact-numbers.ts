import { isLosslessNumber, LosslessNumber, parse } from 'lossless-json'
import type { FieldError } from './errors.ts'

/** Only a text with so many digits in a row, or with so large an exponent, can hold a number that is not kept. */
const suspicious = /\d{16}|\d[eE][+-]?\d{3}/

/**
 * The numbers of a JSON text that a double cannot keep, with their paths: integers beyond 2^53 that would come out as
 * others, and what would come out as infinity or zero. A receiver must get the account number that was posted.
 */
export function unkeptNumbers(json: string): FieldError[] {
  if (!suspicious.test(json)) return []
  try {
    const marked = parse(json, undefined, {
      parseNumber: (text) => (isKept(text) ? 0 : new LosslessNumber(text)),
      onDuplicateKey: ({ newValue }) => newValue, // as JSON.parse has it
    })
    return findMarked(marked, [])
  } catch {
    // Not JSON, or nested beyond the stack: whoever parses it next refuses it for that.
    return []
  }
}

function isKept(text: string): boolean {
  const value = Number(text)
  if (!Number.isFinite(value)) return false
  if (/^-?\d+$/.test(text)) return significantDigits(text) === significantDigits(String(value))
  return value !== 0 || significantDigits(text) === ''
}

function significantDigits(number: string): string {
  return number
    .replace(/e.*$/i, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '')
}

function findMarked(value: unknown, path: string[]): FieldError[] {
  if (isLosslessNumber(value))
    return [
      { path: path.join('.'), message: `is ${value.value}, which JSON numbers cannot keep: send it as text` },
    ]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => findMarked(inner, [...path, key]))
}
