import { findEntry } from '../catalogue/index.ts'

/**
 * True if an event type matches a subscription's pattern under any of its names: `AML` is also `AML_SCREENING`. `all` and `*`
 * match every type. A `*` inside a pattern matches any characters, dots included: `aml.*` matches `aml.match.found`. Anything
 * else must be equal.
 */
export function fitsEventType(pattern: string, type: string): boolean {
  return eventTypeNames(type).some((name) => fits(pattern, name))
}

/** The name under which a destination knows an event's type: the one it subscribed to, or else the one posted. */
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

/** The syntax of a subscription's event types: a type, a glob of types, `all`. Source: the Webhooks API’s document. */
export const eventTypeGlob = /^(\*|[A-Za-z0-9_*-]+(\.[A-Za-z0-9_*-]+)*)$/
