import { isJsonObject, type Json, type JsonObject } from '../../domain/event.ts'
import { cut, shortened, truncate } from '../../domain/truncate.ts'
import { unescapeMrkdwn } from './escaping.ts'

/** Slack's limits. Source: Slack, "Block Kit", reference of blocks. */
export const slackLimits = {
  blocks: 50,
  header: 150,
  button: 75,
  field: 2000,
  section: 3000,
  text: 40_000,
} as const

/** Returns mrkdwn in which Slack does not link bare URLs, #channels and @names. */
export function mrkdwn(text: string) {
  return { type: 'mrkdwn' as const, text, verbatim: true }
}

export function section(text: string) {
  return { type: 'section' as const, text: mrkdwn(text) }
}

/** `<url|words>`: Slack's syntax for a link. */
export function link(url: string, words: string): string {
  return `<${url}|${words}>`
}

/** Returns the reason why a template's JSON is not a list of blocks, if any. */
export function blocksProblem(rendered: string): string | undefined {
  const blocks = JSON.parse(rendered) as Json
  if (!Array.isArray(blocks) || !blocks.every(isJsonObject))
    return 'does not render to a JSON array of blocks'
  if (blocks.length === 0) return 'renders to an empty array of blocks'
  if (blocks.length > slackLimits.blocks)
    return `renders to ${blocks.length} blocks; Slack accepts at most ${slackLimits.blocks}`
  return blocks.every(({ type }) => typeof type === 'string')
    ? undefined
    : 'renders to a block without a type'
}

/**
 * Prepares a template's blocks for sending. Values are escaped for mrkdwn, and are unescaped outside of mrkdwn, where Slack reads
 * no markup. Slack does not link words of a payload unless the template sets `verbatim`. Strings above Slack's limits are
 * truncated, because Slack would refuse the whole message.
 */
export function settleBlocks(blocks: Json, max: number = slackLimits.section): Json {
  if (typeof blocks === 'string') return unescapeMrkdwn(blocks)
  if (Array.isArray(blocks)) return blocks.map((block) => settleBlocks(block, max))
  if (!isJsonObject(blocks)) return blocks
  const { type, text } = blocks
  if (type === 'mrkdwn' && typeof text === 'string')
    return { verbatim: true, ...blocks, text: truncateMrkdwn(text, max) }
  if (type === 'plain_text' && typeof text === 'string')
    return { ...blocks, text: truncate(unescapeMrkdwn(text), max) }
  const entries = Object.entries(blocks).map(([key, value]) => [
    key,
    settleBlocks(value, textMax.get(key) ?? textMax.get(type) ?? max),
  ])
  return Object.fromEntries(entries) as JsonObject
}

/** Limits that are lower than a section's, by the block's type or the field's name. */
const textMax = new Map<Json | undefined, number>([
  ['header', slackLimits.header],
  ['fields', slackLimits.field],
  ['button', slackLimits.button],
])

/** A link, a mention or an escaped character, which would break if it was cut in two. */
const markup = /<[^<>]*>|&(?:amp|lt|gt);/g

/** Truncates mrkdwn, with a note at its end. */
export function truncateMrkdwn(text: string, max: number): string {
  return truncate(text, max, `\n${shortened}`, markup)
}

/** Splits a text into sections, at line ends if possible. Text beyond Slack's block limit is truncated, with a note. */
export function sections(text: string) {
  const made = []
  let rest = text
  while (rest.length > slackLimits.section && made.length < slackLimits.blocks - 1) {
    const part = firstPart(rest)
    made.push(section(part))
    rest = rest.slice(part.length)
  }
  return [...made, section(truncateMrkdwn(rest, slackLimits.section))]
}

function firstPart(text: string): string {
  const longest = cut(text, slackLimits.section, markup)
  const lineEnd = longest.lastIndexOf('\n')
  return lineEnd > 0 ? cut(text, lineEnd + 1, markup) : longest
}
