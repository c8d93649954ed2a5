import { isJsonObject, type Json, type JsonObject } from '../../domain/event.ts'
import { shortened, truncate } from '../../domain/truncate.ts'
import { carriableMessage } from '../carriable.ts'
import { unescapeMarkdown } from './escaping.ts'

/**
 * The maximum size of a message as JSON. Microsoft documents about 28 KB, and counts more than these bytes. A message that is too
 * large is lost after Workflows has answered 202, so this keeps some distance to that limit.
 */
export const maxMessageBytes = 24 * 1024

export type Card = JsonObject & { type: 'AdaptiveCard' }

/** Returns a card as wide as the channel. Every current Teams client shows version 1.4. */
export function adaptiveCard(body: JsonObject[], more: JsonObject = {}): Card {
  return carriableMessage({
    type: 'AdaptiveCard',
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    version: '1.4',
    msteams: { width: 'Full' },
    body,
    ...more,
  })
}

/** Returns the body of a request to a Workflows webhook. Source: Microsoft, "Create incoming webhooks with Workflows". */
export function messageBody(card: Card): string {
  const contentType = 'application/vnd.microsoft.card.adaptive'
  return JSON.stringify({
    type: 'message',
    attachments: [{ contentType, contentUrl: null, content: card }],
  })
}

function fits(card: Card): boolean {
  return Buffer.byteLength(messageBody(card)) <= maxMessageBytes
}

/** Returns the card for the largest size from `min` to `max` that fits, or the card for `min` if none fits. */
export function largestFitting(min: number, max: number, cardFor: (size: number) => Card): Card {
  const whole = cardFor(max)
  if (fits(whole)) return whole
  let [low, high] = [min, max]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (fits(cardFor(middle))) low = middle
    else high = middle
  }
  return cardFor(low)
}

/** Returns text in which Teams interprets no Markdown, so it needs no escaping. */
export function textRun(text: string, style: JsonObject = {}): JsonObject {
  return { type: 'TextRun', text, ...style }
}

export function paragraph(inlines: JsonObject[], layout: JsonObject = {}): JsonObject {
  return { type: 'RichTextBlock', inlines, ...layout }
}

const maxFallbackLength = 300

/** A shorter text would be little more than the note that it was truncated. */
const minTextLength = 100

/** Returns a card that shows Markdown. Text that is too long for a message is truncated, with a note. */
export function markdownCard(text: string): Card {
  return largestFitting(minTextLength, Math.max(minTextLength, text.length), (max) =>
    adaptiveCard([{ type: 'TextBlock', text: truncateMarkdown(text, max), wrap: true }]),
  )
}

/** An escaped character or a link, which would become something else if it was cut in two. */
const markup = /\\[\\*_`~[\]]|\[[^\]]*\]\([^)]*\)/g

function truncateMarkdown(text: string, max: number): string {
  return truncate(text, max, `\n\n${shortened}`, markup)
}

/** Returns the reason why a template's card is invalid. */
export function cardProblem(rendered: string): string | undefined {
  const card = JSON.parse(rendered) as Json
  if (!isCard(card)) return 'does not render to a JSON object whose type is AdaptiveCard'
  const { body } = card
  if (!Array.isArray(body) || body.length === 0) return 'renders to a card without a body'
  if (!body.every((element) => isJsonObject(element) && typeof element.type === 'string'))
    return 'renders to a card with an element that has no type'
  return fits(settleCard(card)) ? undefined : `renders to a card of more than ${maxMessageBytes / 1024} KiB`
}

function isCard(value: Json): value is Card {
  return isJsonObject(value) && value.type === 'AdaptiveCard'
}

/** Parses a template's card and prepares it for sending. Its longest strings are truncated if the message would be too large. */
export function parseCard(rendered: string, fallbackText: string): Card {
  const card = JSON.parse(rendered) as Card
  return settleCard({ fallbackText: truncateMarkdown(fallbackText, maxFallbackLength), ...card })
}

function settleCard(card: Card): Card {
  const longest = JSON.stringify(card).length
  return largestFitting(minTextLength, longest, (max) =>
    carriableMessage({ version: '1.4', ...(settle(card, max) as Card) }),
  )
}

/**
 * Unescapes the values in a template's card where Teams is known to interpret no Markdown. Template values are escaped for
 * Markdown, and all other strings stay escaped.
 */
function settle(value: Json, max: number): Json {
  if (Array.isArray(value)) return value.map((item) => settle(item, max))
  if (!isJsonObject(value)) return value
  const entries = Object.entries(value).map(([key, inner]) => {
    if (typeof inner !== 'string') return [key, settle(inner, max)]
    if (isPlain(value.type, key)) return [key, truncate(unescapeMarkdown(inner), max)]
    return [key, value.type === 'TextBlock' && key === 'text' ? truncateMarkdown(inner, max) : inner]
  })
  return Object.fromEntries(entries) as JsonObject
}

/** Source: Adaptive Cards, schema explorer: TextRun, Image, Action.OpenUrl. */
function isPlain(type: Json | undefined, key: string): boolean {
  if (['url', 'iconUrl', 'altText'].includes(key)) return true
  if (type === 'TextRun') return key === 'text'
  return typeof type === 'string' && type.startsWith('Action.') && key === 'title'
}
