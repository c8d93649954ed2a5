import { parse } from 'lossless-json'
import { ExactNumber, type ExactJson } from '../../domain/json/exact-number.ts'
import type { FieldError } from '../errors.ts'

/** Only a JSON text with this many digits in a row, or an exponent this large, can contain a number that JavaScript cannot keep. */
const suspicious = /[\d.]{16}|\d[eE][+-]?\d{2}/

interface UnkeptNumber {
  path: string[]
  number: ExactNumber
}

/**
 * Returns the numbers in a JSON text that JavaScript cannot keep, with their paths: integers beyond 2^53 that would change, and
 * numbers that would become infinity or zero. Settings are stored as JavaScript numbers; events are not.
 */
export function unkeptNumbers(json: string): UnkeptNumber[] {
  if (!suspicious.test(json)) return []
  try {
    const marked = parse(json, undefined, {
      parseNumber: (text) => (isKept(text) ? 0 : new ExactNumber(text)),
      onDuplicateKey: ({ newValue }) => newValue, // as JSON.parse has it
    })
    return findMarked(marked as ExactJson, [])
  } catch {
    // The text is not JSON, or is nested beyond the stack. The next parser refuses it for that.
    return []
  }
}

export function unkeptProblem(path: readonly string[], number: ExactNumber): FieldError {
  return {
    path: path.join('.'),
    message:
      `is ${String(number)}, which cannot be stored without losing precision; send it as a string, ` +
      `or in a filter as {"$numberDecimal": "${String(number)}"}`,
  }
}

/** The last digits of a fraction may be rounded, as is usual. */
function isKept(text: string): boolean {
  const value = Number(text)
  if (!Number.isFinite(value)) return false
  return new ExactNumber(text).equals(value) || (value !== 0 && Math.abs(value) < 2 ** 53)
}

function findMarked(value: ExactJson, path: string[]): UnkeptNumber[] {
  if (value instanceof ExactNumber) return [{ path, number: value }]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => findMarked(inner, [...path, key]))
}
