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
 * The template's text and card, and the default where it has neither. Teams shows the card. A template's text makes the card if the
 * template has no card; the text beside a card is for clients that cannot show it.
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
 * Title, why it was sent, the payload's fields, then event id and time, with a button that acknowledges. Text from the payload
 * stands in runs of text, of which Teams makes no link, mention or formatting.
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
