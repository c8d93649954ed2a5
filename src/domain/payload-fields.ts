import type { Json, JsonObject } from './event.ts'

export interface PayloadField {
  /** Dotted path in the payload. */
  path: string
  value: string
}

/**
 * A payload as lines that a person can read: one per leaf, in the payload's order. Long values are cut, and past `most`
 * fields the rest is only counted.
 */
export function payloadFields(data: JsonObject, most: number): { fields: PayloadField[]; more: number } {
  const all = leaves(data, '')
  return { fields: all.slice(0, most), more: Math.max(0, all.length - most) }
}

const longestValue = 300

function leaves(value: Json, path: string): PayloadField[] {
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    if (entries.length > 0) return entries.flatMap(([key, inner]) => leaves(inner, path ? `${path}.${key}` : key))
    return path ? [{ path, value: Array.isArray(value) ? 'none' : 'empty' }] : []
  }
  const text = value === null ? 'none' : String(value)
  return [{ path, value: text.length > longestValue ? `${text.slice(0, longestValue)}…` : text }]
}
