import type { FieldError } from '../../errors.ts'

/**
 * What bounds a body before any schema looks at it: code that walks a value must not run out of stack, and a few kilobytes must
 * not become millions of objects. Schemas are stricter where they have a reason; an event's data has at most 64 levels.
 */
export const shapeLimits = {
  /** Lists and objects inside of each other. */
  depth: 128,
  /** Names in one object. */
  names: 10_000,
  /** Items in one list: an event of 256 KiB cannot have half as many that say anything. */
  items: 100_000,
  /** Values in all: a full batch of 8 MiB has so many at 33 bytes each, and they take about a tenth of a second. */
  values: 250_000,
} as const

interface Place {
  value: object
  /** The names and indexes that lead to it; the root's is empty. */
  path: readonly string[]
}

/**
 * What is wrong with the shape of a value that came from outside: the first thing found, with its path, or nothing. Iterative on
 * purpose: it may be nested 100,000 levels deep.
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

/** What changes the prototype of everything in JavaScript, here or at a receiver that copies it carelessly. */
function isUnsafeName(name: string, path: readonly string[]): boolean {
  return name === '__proto__' || (name === 'prototype' && path.at(-1) === 'constructor')
}

function problemAt(path: readonly string[], message: string): FieldError {
  return { path: path.join('.') || '(body)', message }
}
