import { LRUCache } from 'lru-cache'
import type { Channel } from '../channels/channel.ts'
import type { Composition } from '../templates/composition.ts'
import { channels, findChannel } from '../channels/index.ts'
import { absentVariables } from '../templates/liquid.ts'
import { makeTitle } from '../templates/message-title.ts'
import {
  parseParts,
  renderParts,
  templateScope,
  type Parsed,
  type PartTexts,
  type Rendering,
} from '../templates/content.ts'
import type { Cause } from '../domain/rules/cause.ts'
import type { Parts, PreviewedPart, Problem } from './job.ts'

/** Sized by the length of the texts. Invalid parts are not cached: they were checked when they were saved. */
const parsedParts = new LRUCache<string, { parsed: Parsed; size: number }>({
  maxSize: 4 * 1024 * 1024,
  sizeCalculation: ({ size }) => size,
})

export function forgetParsedParts(): void {
  parsedParts.clear()
}

/** Returns the parts that are not valid Liquid, by path. */
export function checkParts(parts: Parts): Problem[] {
  return channels.flatMap(({ name, template }) =>
    parseParts(template, parts[name] ?? {}).problems.map(({ field, message }) => ({
      path: `parts.${name}.${field}`,
      message,
    })),
  )
}

/** Renders the fields of one message. `key` identifies the texts, which never change. */
export function renderChannel(
  { channel: name, key, texts }: { channel: string; key: string; texts: PartTexts },
  composition: Composition,
): Rendering {
  const channel = findChannel(name)
  if (!channel) return { content: {}, problems: [] }
  const { parsed, problems } = parsedOnce(channel, key, texts)
  if (problems.length > 0) return { content: {}, problems }
  return renderParts(channel.template, parsed, templateScope(composition))
}

function parsedOnce(channel: Channel, key: string, texts: PartTexts): ReturnType<typeof parseParts> {
  const known = parsedParts.get(key)
  if (known) return { parsed: known.parsed, problems: [] }
  const made = parseParts(channel.template, texts)
  const size = 1 + Object.values(texts).reduce((sum, text = '') => sum + text.length, 0)
  if (made.problems.length === 0) parsedParts.set(key, { parsed: made.parsed, size })
  return made
}

export function renderTitle(titles: readonly string[], of: Composition, cause?: Cause): string {
  const { title: _none, ...scope } = templateScope(of)
  return makeTitle(of.event, titles, { scope, cause })
}

/** Missing names are searched for as long as the preview has taken no longer than this. */
const previewMs = 1_500

export function previewParts(parts: Parts, composition: Composition): Record<string, PreviewedPart> {
  const endsAt = performance.now() + previewMs
  const given = channels.filter(({ name }) => parts[name] !== undefined)
  return Object.fromEntries(
    given.map((channel) => [
      channel.name,
      previewChannel(channel, parts[channel.name] ?? {}, composition, endsAt),
    ]),
  )
}

function previewChannel(
  { template }: Channel,
  texts: PartTexts,
  composition: Composition,
  endsAt: number,
): PreviewedPart {
  const scope = templateScope(composition)
  const { parsed, problems: unparsed } = parseParts(template, texts)
  const { content, problems: unrendered } = renderParts(template, parsed, scope)
  const isSlow = unrendered.some(({ slow }) => slow)
  const absent = isSlow
    ? []
    : Object.values(texts).flatMap((text = '') =>
        performance.now() < endsAt ? absentVariables(text, scope) : [],
      )
  return { rendering: { content, problems: [...unparsed, ...unrendered] }, absent }
}
