import { readDigest } from '../../domain/digest.ts'
import { payloadFields } from '../../domain/json/payload-fields.ts'
import type { Composition } from '../../templates/composition.ts'
import { getTitle } from '../../templates/message-title.ts'
import { carriable } from '../carriable.ts'
import { minute } from '../message-facts.ts'
import { largestFitting, markdownCard, paragraph, parseCard, textRun, type Card } from './card.ts'
import { digestCard } from './digest.ts'
import { escapeMarkdown } from './escaping.ts'
import { bold, messageCard } from './parts.ts'

const maxFields = 50

/**
 * Returns the template's text and card, or the default if it has neither. Teams shows the card. If the template has a text but no
 * card, the card is made from the text; the text beside a card is for clients that cannot show it.
 */
export function composeTeamsMessage(
  of: Composition,
  content: { text?: string; card?: string },
): { text: string; card: Card } {
  const text = carriable(content.text ?? escapeMarkdown(getTitle(of)))
  if (content.card !== undefined) return { text, card: parseCard(content.card, text) }
  return { text, card: content.text === undefined ? defaultCard(of) : markdownCard(text) }
}

/**
 * The default card: title, reason, the payload's fields, event id and time, and a button to acknowledge. Text from the payload is
 * put into text runs, which Teams does not turn into links, mentions or formatting.
 */
export function defaultCard(of: Composition): Card {
  const { event } = of
  const digest = readDigest(event)
  if (digest) return digestCard(of, digest)
  const { fields, more } = payloadFields(event.data, maxFields)
  return largestFitting(0, fields.length, (shown) => {
    const hidden = more + fields.length - shown
    const notes = [
      ...(hidden > 0 ? [`fields not shown here: ${hidden}`] : []),
      event.type,
      `Event ${event.id}`,
      minute(event.createdAt),
    ]
    const lines = fields
      .slice(0, shown)
      .map(({ path, value }) => paragraph([textRun(`${path}: `, bold), textRun(value)], { spacing: 'Small' }))
    return messageCard(of, lines, notes)
  })
}
