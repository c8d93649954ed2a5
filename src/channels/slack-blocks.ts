import { isJsonObject, type Json, type JsonObject } from '../domain/event.ts'
import { unescapeSlack } from './escaping.ts'

/** Slack's limits. Source: Slack, "Block Kit", reference of blocks. */
export const slackLimits = { blocks: 50, header: 150, section: 3000, text: 40_000 } as const

/** mrkdwn in which Slack makes no links of bare URLs, #channels and @names. */
export function mrkdwn(text: string) {
  return { type: 'mrkdwn' as const, text, verbatim: true }
}

export function section(text: string) {
  return { type: 'section' as const, text: mrkdwn(text) }
}

/** `<url|words>`, which Slack shows as a link. */
export function link(url: string, words: string): string {
  return `<${url}|${words}>`
}

/** What is wrong with the text of a list of blocks that is JSON. */
export function blocksProblem(rendered: string): string | undefined {
  const blocks = JSON.parse(rendered) as Json
  if (!Array.isArray(blocks) || !blocks.every(isJsonObject)) return 'does not render to a JSON list of blocks'
  if (blocks.length === 0) return 'renders to no block at all'
  if (blocks.length > slackLimits.blocks)
    return `renders to ${blocks.length} blocks; Slack takes at most ${slackLimits.blocks}`
  return blocks.every(({ type }) => typeof type === 'string')
    ? undefined
    : 'renders to a block without a type'
}

/**
 * Blocks that a template made. Its values are escaped for mrkdwn; everywhere else Slack reads no markup, and they are put back
 * as they were. Of a payload's words Slack makes no link, unless the template says so by `verbatim`.
 */
export function settleBlocks(blocks: Json): Json {
  if (typeof blocks === 'string') return unescapeSlack(blocks)
  if (Array.isArray(blocks)) return blocks.map(settleBlocks)
  if (!isJsonObject(blocks)) return blocks
  const { type, text } = blocks
  if (type === 'mrkdwn' && typeof text === 'string') return { verbatim: true, ...blocks }
  return Object.fromEntries(
    Object.entries(blocks).map(([key, value]) => [key, settleBlocks(value)]),
  ) satisfies JsonObject
}

/** A text as sections, cut where a line ends if there is one. */
export function sections(text: string) {
  const made = []
  let rest = text
  while (rest !== '' && made.length < slackLimits.blocks) {
    const part = rest.length <= slackLimits.section ? rest : firstPart(rest)
    made.push(section(part))
    rest = rest.slice(part.length)
  }
  return made
}

function firstPart(text: string): string {
  const longest = text.slice(0, slackLimits.section)
  const lineEnd = longest.lastIndexOf('\n')
  return lineEnd > 0 ? longest.slice(0, lineEnd + 1) : longest.replace(/(&[a-z]{0,3}|[\uD800-\uDBFF])$/, '')
}
