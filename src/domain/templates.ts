import { readDigest } from './digest.ts'
import type { Event } from './event.ts'
import { fitsEventType } from './routing/event-types.ts'

/** A template that is the default for some event types, as routing needs it. */
export interface TemplateDefault {
  id: string
  /** For which it has parts. */
  channels: string[]
  /** Types, globs of types, or `all`. */
  eventTypes: string[]
}

/**
 * The default template for an event to which no rule assigns one: among those with content for the channel, the one that names
 * the type, or else the one with the longest matching glob, or else one for all. Ties go to the oldest, which comes first in
 * `templates`. A template for all does not apply to digests: it is written for single events and would leave out the list.
 */
export function defaultTemplateFor(
  templates: readonly TemplateDefault[],
  event: Pick<Event, 'type' | 'data'>,
  channel: string,
): string | undefined {
  let nearest = { id: undefined as string | undefined, nearness: 0 }
  for (const { id, channels, eventTypes } of templates) {
    if (!channels.includes(channel)) continue
    const nearness = Math.max(0, ...eventTypes.map((pattern) => specificity(pattern, event.type)))
    if (nearness > nearest.nearness) nearest = { id, nearness }
  }
  return nearest.nearness === specificityOfAll && readDigest(event) ? undefined : nearest.id
}

const specificityOfAll = 1

/** Why a message is not made of the template that was planned. */
export function templateIsGone(id: string): string {
  return `the template ${id} no longer exists`
}

export function noContentFor(channel: string): string {
  return `the template has no content for the channel ${channel}`
}

/** 0: does not fit. 1: fits all. More: a glob, by its length. Infinite: the type itself. */
function specificity(pattern: string, eventType: string): number {
  if (!fitsEventType(pattern, eventType)) return 0
  if (pattern === 'all' || pattern === '*') return specificityOfAll
  return pattern.includes('*') ? specificityOfAll + pattern.length : Infinity
}
