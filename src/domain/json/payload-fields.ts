import { exactly, isNumeric, type ExactJson, type ExactObject, type Numeric } from './exact-number.ts'
import { truncate } from '../truncate.ts'

export interface PayloadField {
  /** Dotted path in the payload; the items of a list are counted from `#1`, as people do. */
  path: string
  value: string
}

/**
 * A payload as lines that a person can read: one per leaf, in the payload's order; a list of plain values is one leaf.
 * Long paths and values are cut, and past `most` fields the rest is only counted.
 */
export function payloadFields(data: ExactObject, most: number): { fields: PayloadField[]; more: number } {
  const all = leaves(exactly(data), '')
  return { fields: all.slice(0, most), more: Math.max(0, all.length - most) }
}

const maxPathLength = 80
const maxValueLength = 300

function leaves(value: ExactJson, path: string): PayloadField[] {
  if (!isPlain(value) && !(Array.isArray(value) && value.every(isPlain))) {
    const entries = Object.entries(value)
    if (entries.length === 0) return path ? [field(path, '(none)')] : []
    if (Array.isArray(value)) return value.flatMap((inner, index) => leaves(inner, `${path} #${index + 1}`))
    return entries.flatMap(([key, inner]) => leaves(inner, path ? `${path}.${key}` : key))
  }
  return [field(path, Array.isArray(value) ? value.map(words).join(', ') || '(none)' : words(value))]
}

type Plain = string | Numeric | boolean | null

function isPlain(value: ExactJson): value is Plain {
  return typeof value !== 'object' || value === null || isNumeric(value)
}

function words(value: Plain): string {
  if (value === null) return '(no value)'
  return value === '' ? '(empty)' : String(value)
}

function field(path: string, value: string): PayloadField {
  return { path: truncate(oneLine(path), maxPathLength), value: truncate(oneLine(value), maxValueLength) }
}

/** A line break could fake another field, and a change of writing direction another value. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+/gu, ' ')
}
