import type { FieldError } from '../../errors.ts'

/**
 * Limits that apply to a body before any schema sees it: code that walks a value must not run out of stack, and a few kilobytes
 * must not become millions of objects. Schemas may be stricter; an event's data has at most 64 levels.
 */
export const shapeLimits = {
  /** Nesting depth of arrays and objects. */
  depth: 128,
  /** Keys of one object. */
  names: 10_000,
  /** Items of one array. An event of 256 KiB has no room for even half this many meaningful items. */
  items: 100_000,
  /** Values in total. A full batch of 8 MiB reaches this number at 33 bytes per value, and processing it takes about 0.1 s. */
  values: 250_000,
} as const

interface Place {
  value: object
  /** The keys and indexes that lead to the value. Empty for the root. */
  path: readonly string[]
}

/**
 * Returns the first problem with the shape of an untrusted value, with its path, or `undefined`. Iterative on purpose, because the
 * value may be nested 100,000 levels deep.
 */
export function shapeProblem(root: unknown): FieldError | undefined {
  const open: Place[] = isNode(root) ? [{ value: root, path: [] }] : []
  let values = 1
  for (let place = open.pop(); place; place = open.pop()) {
    const { value, path } = place
    const names = Object.keys(value)
    values += names.length
    const message = tooLarge(value, names.length, path.length, values)
    if (message !== undefined) return problemAt(path.slice(0, 3), message)
    for (const name of names) {
      if (isUnsafeName(name, path)) return problemAt([...path, name], unsafe)
      const inner = (value as Record<string, unknown>)[name]
      if (isNode(inner)) open.push({ value: inner, path: [...path, name] })
    }
  }
  return undefined
}

function isNode(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function tooLarge(value: object, length: number, above: number, values: number): string | undefined {
  if (above >= shapeLimits.depth) return `must not be nested deeper than ${shapeLimits.depth} levels`
  if (Array.isArray(value)) {
    if (length > shapeLimits.items) return `must have at most ${shapeLimits.items} items`
  } else if (length > shapeLimits.names) return `must have at most ${shapeLimits.names} fields`
  return values > shapeLimits.values
    ? `must not contain more than ${shapeLimits.values} values in total`
    : undefined
}

const unsafe = 'is not allowed as a field name because it enables prototype pollution'

/**
 * Detects keys that can change the prototype of every JavaScript object, here or at a receiver that copies the value carelessly.
 */
function isUnsafeName(name: string, path: readonly string[]): boolean {
  return name === '__proto__' || (name === 'prototype' && path.at(-1) === 'constructor')
}

function problemAt(path: readonly string[], message: string): FieldError {
  return { path: path.join('.') || '(body)', message }
}
