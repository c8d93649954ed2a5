import { findEntry } from '../catalogue/index.ts'

/**
 * Whether an event type fits a subscription's pattern, under any of its names: `AML` is also `AML_SCREENING`. `all` and
 * `*` fit every type; a `*` inside a pattern stands for any run of characters, dots included, so that `aml.*` fits
 * `aml.match.found`; anything else must be equal.
 */
export function fitsEventType(pattern: string, type: string): boolean {
  return eventTypeNames(type).some((name) => fits(pattern, name))
}

/** The name that an event's type goes by for a destination: the one it subscribed to, or else the one it was posted with. */
export function nameSubscribedTo(patterns: readonly string[], type: string): string {
  return [type, ...eventTypeNames(type)].find((name) => patterns.includes(name)) ?? type
}

/** Every name of a type: its own, and the aliases that its contract has for it. */
export function eventTypeNames(type: string): readonly string[] {
  const entry = findEntry(type)
  return entry ? [entry.type, ...(entry.aliases ?? [])] : [type]
}

function fits(pattern: string, type: string): boolean {
  if (pattern === 'all' || pattern === '*') return true
  if (!pattern.includes('*')) return pattern === type
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop() ?? ''
  if (!type.startsWith(head)) return false
  let at = head.length
  for (const part of rest) {
    const found = type.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return type.length - tail.length >= at && type.endsWith(tail)
}

/** What a subscription may name: a type, a glob of types, `all`. Source: the Webhooks API’s document. */
export const eventTypeGlob = /^(\*|[A-Za-z0-9_*-]+(\.[A-Za-z0-9_*-]+)*)$/
