import type { Event } from './event.ts'
import type { Cause } from './rules/cause.ts'
import { truncate } from './truncate.ts'

/** The maximum length of a title in UTF-16 code units before its marks are added: with them it fits into Slack's header. */
export const maxTitleLength = 110

/**
 * A message's title with marks for its environment and cause, so that it cannot be mistaken for something else. `title` is the
 * rendered title of the event type.
 */
export function messageTitle(
  { type, environment, test }: Pick<Event, 'type' | 'environment' | 'test'>,
  { title = readableType(type), cause }: { title?: string; cause?: Cause } = {},
): string {
  const marks = [...(test ? ['Test: '] : []), ...(cause ? [causeMarks[cause.kind]] : [])]
  return `${marks.join('')}${truncate(title, maxTitleLength)}${environment === 'sandbox' ? ' (sandbox)' : ''}`
}

const causeMarks = { escalation: 'Escalated: ', fallback: 'Fallback: ' } satisfies Record<
  Cause['kind'],
  string
>

/** `aml.match.found` is "AML match found". A type in capitals, as `DOCVER`, stays as it is. */
export function readableType(type: string): string {
  const words = type.split(/[._-]+/).filter(Boolean)
  const shown = words.map((word, index) => {
    if (acronyms.has(word.toLowerCase())) return word.toUpperCase()
    return index === 0 ? word.charAt(0).toUpperCase() + word.slice(1) : word
  })
  return shown.join(' ') || type
}

const acronyms = new Set(['aml', 'api', 'ddq', 'id', 'kyb', 'kyc', 'pep', 'ubo', 'url'])
