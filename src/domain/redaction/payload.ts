import type { Event, JsonObject } from '../event.ts'
import { exactly, isExactObject, isNumeric, type ExactJson, type ExactObject } from '../json/exact-number.ts'
import { parseKeepingText, stringifyExactly } from '../json/json-text.ts'
import { getOrderKey } from '../delivery/ordering.ts'
import { redacted, secretRemover } from './redaction.ts'
import type { Timeline } from '../delivery/timeline.ts'

/** An event, and the log of its runs, as people and archives get to see them. What is sent is never redacted. */
export interface Redaction {
  data: JsonObject
  /** True if the event contains any redacted value. */
  found: boolean
  /** A text that may quote the event: what a receiver answered, an error, a reason. */
  text: (text: string) => string
  timeline: <Log extends Timeline>(timeline: Log) => Log
}

/**
 * Redacts the values at a tenant's paths in an event, and their quotations elsewhere. A path is `data` and the names below it,
 * with `*` for any name or item. An array on the way applies to each of its items unless the path has an index (from 0). The
 * whole value at the path is redacted. Values of fewer than four characters are not searched for in quotations, because they are
 * too ambiguous.
 */
export function createRedaction(event: Pick<Event, 'type' | 'data'>, paths: readonly string[]): Redaction {
  const hidden: ExactJson[] = []
  const clean = redactData(exactly(event.data), paths, (value) => {
    hidden.push(value)
    return redacted
  })
  const text = hidden.length > 0 ? quotationRemover(event, paths, hidden) : (quoting: string) => quoting
  return {
    data: hidden.length > 0 ? parseKeepingText(stringifyExactly(clean)) : event.data,
    found: hidden.length > 0,
    text,
    timeline: (timeline) => (hidden.length > 0 ? redactTimeline(timeline, text) : timeline),
  }
}

type Replace = (value: ExactJson) => ExactJson

function redactData(data: ExactObject, paths: readonly string[], replace: Replace): ExactObject {
  const clean = paths.reduce<ExactJson>(
    (rest, path) => redactAt(rest, path.split('.').slice(1), replace),
    data,
  )
  return isExactObject(clean) ? redactDigest(clean, paths, replace) : {}
}

function redactAt(value: ExactJson, path: readonly string[], replace: Replace): ExactJson {
  const [name] = path
  if (name === undefined) return replace(value)
  if (Array.isArray(value)) {
    const below = (index: number) => (name === '*' || name === String(index) ? path.slice(1) : path)
    return value.map((item, index) => redactAt(item, below(index), replace))
  }
  if (!isExactObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const taken = partsTaken(key, path)
      return [key, taken === 0 ? inner : redactAt(inner, path.slice(taken), replace)]
    }),
  )
}

/** How many parts of a path a name matches, because a name may itself contain dots. */
function partsTaken(key: string, path: readonly string[]): number {
  if (path[0] === '*') return 1
  const parts = key.split('.').length
  return path.slice(0, parts).join('.') === key ? parts : 0
}

/** A digest contains the data of its events and the value that they share. */
function redactDigest(data: ExactObject, paths: readonly string[], replace: Replace): ExactObject {
  const { events, by, key } = data
  if (!Array.isArray(events)) return data
  const isHidden = typeof by === 'string' && paths.some((path) => leadsTo(path.split('.'), by.split('.')))
  return {
    ...data,
    ...(isHidden && key !== undefined && { key: replace(key) }),
    events: events.map((told) =>
      isExactObject(told) && isExactObject(told.data)
        ? { ...told, data: redactData(told.data, paths, replace) }
        : told,
    ),
  }
}

/** True if a path covers any of what another one leads to: the same value, one around it or one inside of it. */
function leadsTo(path: readonly string[], other: readonly string[]): boolean {
  return path.every((name, index) => index >= other.length || name === '*' || name === other[index])
}

/** More than these are not looked for one by one: no quotation is shown at all. */
const maxValues = 200

function quotationRemover(
  event: Pick<Event, 'type' | 'data'>,
  paths: readonly string[],
  hidden: readonly ExactJson[],
): (text: string) => string {
  const values = hidden.flatMap(textsIn)
  if (values.length > maxValues) return () => redacted
  const remove = secretRemover(values.flatMap((value) => [value, ...cutShort(value)]))
  // Reasons of queued or held-back events quote their ordering value, even if it is short.
  const keys = paths.flatMap((path) => getOrderKey(event, path)?.text ?? []).map((text) => [text, said(text)])
  return (text) =>
    remove(keys.reduce((rest, [key = '', instead = '']) => rest.replaceAll(key, instead), text))
}

function said(keyText: string): string {
  return keyText.replace(/ = .*$/s, ` = ${redacted}`)
}

function textsIn(value: ExactJson): string[] {
  if (typeof value === 'string') return [value]
  if (isNumeric(value)) return [...new Set([String(value), String(Number(value))])]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

/** The length at which reasons truncate a quoted value. */
const maxQuotedLength = 63

function cutShort(value: string): string[] {
  const quoted = JSON.stringify(value).slice(1, -1)
  return quoted.length > maxQuotedLength ? [quoted.slice(0, maxQuotedLength)] : []
}

function redactTimeline<Log extends Timeline>(timeline: Log, clean: (text: string) => string): Log {
  const { reason, deliveries, routing, steps } = timeline
  const withReason = <One extends { reason?: string }>(one: One): One =>
    one.reason === undefined ? one : { ...one, reason: clean(one.reason) }
  return {
    ...timeline,
    ...(reason !== undefined && { reason: clean(reason) }),
    routing: routing.map(withReason),
    ...(steps && { steps: steps.map(withReason) }),
    deliveries: deliveries.map((delivery) => ({
      ...withReason(delivery),
      attempts: delivery.attempts.map((attempt) => cleanFields(attempt, clean)),
    })),
  }
}

const quoting = ['responseExcerpt', 'error', 'templateFault'] as const

function cleanFields<One extends { [Name in (typeof quoting)[number]]?: string }>(
  one: One,
  clean: (text: string) => string,
): One {
  const fields = quoting.flatMap((name) => {
    const text = one[name]
    return text === undefined ? [] : [[name, clean(text)] as const]
  })
  return { ...one, ...Object.fromEntries(fields) }
}
