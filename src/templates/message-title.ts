import { readDigest } from '../domain/digest.ts'
import { LRUCache } from 'lru-cache'
import { messageTitle } from '../domain/title.ts'
import type { Cause } from '../domain/rules/cause.ts'
import type { Composition } from './composition.ts'
import { digestTitle } from './digest.ts'
import { isSlow, renderStrictLine, type TemplateScope } from './liquid.ts'

/** A message's title, or a default title made from its event. */
export function getTitle({ event, title }: Pick<Composition, 'event' | 'title'>): string {
  return title ?? plainTitle(event)
}

/**
 * Renders the first of the event type's titles that applies. A title applies if everything that it prints is present: one with
 * gaps would mislead.
 */
export function makeTitle(
  event: Composition['event'],
  templates: readonly string[],
  { scope, cause }: { scope: TemplateScope; cause?: Cause },
): string {
  for (const template of templates) {
    const title = render(template, scope)
    if (title) return messageTitle(event, { title, cause })
  }
  return plainTitle(event, cause)
}

/** The title of a message if no title of its event type fits. */
export function plainTitle(event: Composition['event'], cause?: Cause): string {
  const digest = readDigest(event)
  return messageTitle(event, { title: digest && digestTitle(digest), cause })
}

/** A title has a few hundred characters: an honest one takes less than a millisecond. */
const titleMs = 100
const slowLately = new LRUCache<string, true>({ max: 1000, ttl: 60_000 })

function render(template: string, scope: TemplateScope): string | undefined {
  if (slowLately.has(template)) return undefined
  try {
    return renderStrictLine(template, scope, titleMs)
  } catch (error) {
    if (isSlow(error)) slowLately.set(template, true)
    return undefined
  }
}
