import { createHash } from 'node:crypto'
import ms from 'ms'
import type { Event } from '../event.ts'
import { getOrderKey } from '../delivery/ordering.ts'
import { durationMs } from '../delivery/retry-schedule.ts'
import type { HeldBack } from './matching.ts'
import type { Rule } from './rule.ts'

/** A limit on how many events pass. `dedupe` is a limit of one, for events that have a value at its path. */
export interface PassLimit {
  kind: 'dedupe' | 'throttle'
  /** Equal for events that count together. A hash, so that it does not reveal the value. */
  keyHash: string
  /** What they have in common, for the log. */
  shared: string
  limit: number
  span: string
  spanMs: number
}

/** An event that passed. */
export interface Pass {
  eventId: string
  at: Date
}

/** The limits that a rule has for an event, in the order in which they are checked. */
export function passLimits({ id, definition: { dedupe, throttle } }: Rule, event: Event): PassLimit[] {
  const limits: PassLimit[] = []
  const value = getOrderKey(event, dedupe?.by)
  if (dedupe && value)
    limits.push({
      kind: 'dedupe',
      keyHash: hashValue(id, dedupe.by, value.hash),
      shared: value.text,
      limit: 1,
      span: dedupe.within,
      spanMs: durationMs(dedupe.within),
    })
  if (throttle) {
    const { by, limit, per } = throttle
    const key = getOrderKey(event, by)
    limits.push({
      kind: 'throttle',
      keyHash: hashValue(id, by, key?.hash),
      shared: key ? ` with ${key.text}` : by === undefined ? '' : ` without ${by}`,
      limit,
      span: per,
      spanMs: durationMs(per),
    })
  }
  return limits
}

/** Why a limit holds an event back. `last` is the oldest passed event that still counts. */
export function heldBackBy({ kind, shared, limit, span }: PassLimit, last: Pass, at: Date): HeldBack {
  if (kind === 'dedupe') {
    const reason = `deduplicated: ${last.eventId} had ${shared} ${ago(at.getTime() - last.at.getTime())} (within ${span})`
    return { heldBack: 'deduplicated', reason }
  }
  const events = limit === 1 ? '1 event' : `${limit} events`
  return { heldBack: 'throttled', reason: `throttled: ${events}${shared} in the last ${span}` }
}

function ago(forMs: number): string {
  return forMs < 1000 ? 'just now' : `${ms(forMs, { long: true })} ago`
}

/** The path is part of the hash, so a rule that is edited to use another path starts counting again. */
function hashValue(ruleId: string, by: string | undefined, valueHash: string | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify([ruleId, by ?? null, valueHash ?? null]))
    .digest('hex')
    .slice(0, 32)
}
