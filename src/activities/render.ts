import { LRUCache } from 'lru-cache'
import type { Channel, Composition } from '../channels/channel.ts'
import { parseParts, renderParts, templateScope, type Parsed } from '../channels/template-content.ts'
import type { Content } from '../channels/template-field.ts'
import { findTemplate, type Template } from '../db/templates.ts'
import { templateFaultMax, type TemplateRef } from '../domain/outcome.ts'
import { noPartFor, templateIsGone } from '../domain/templates.ts'
import { truncate } from '../domain/truncate.ts'
import type { ActivityDeps } from './index.ts'

/** What a template has made of a message. Without content the default message is to be sent, and `templateFault` says why. */
export interface Rendered {
  content?: Content
  template?: TemplateRef
  templateFault?: string
}

/** By template, version and channel: a version's text never changes. Sized by the length of the texts. */
const parsedParts = new LRUCache<string, { parsed: Parsed; size: number }>({
  maxSize: 4 * 1024 * 1024,
  sizeCalculation: ({ size }) => size,
})

/** Faults of templates that took too long lately: one that always does must not take the worker's time from others. */
const slowLately = new LRUCache<string, string>({ max: 1000, ttl: 60_000 })

/** Makes a message's content by a template. Only what cannot be asked (the database) is thrown. */
export async function renderTemplate(
  { db }: Pick<ActivityDeps, 'db'>,
  channel: Channel,
  of: Composition,
  templateId: string,
): Promise<Rendered> {
  const { tenantId, environment } = of.event
  const found = await findTemplate(db, { tenantId, environment }, templateId)
  if (!found) return { templateFault: templateIsGone(templateId) }
  const template = { id: found.id, version: found.version }
  if (Object.keys(found.parts[channel.name] ?? {}).length === 0)
    return { template, templateFault: noPartFor(channel.name) }
  const key = keyOf(channel, found)
  const known = slowLately.get(key)
  if (known !== undefined)
    return { template, templateFault: faultText(`${known}; it is not tried for a minute`) }
  const { content, problems } = render(channel, found, of)
  const [problem] = problems
  if (!problem) return { content, template }
  const templateFault = faultText(`${channel.name}.${problem.field} ${problem.message}`)
  if (problem.slow) slowLately.set(key, templateFault)
  return { template, templateFault }
}

function keyOf(channel: Channel, { id, version }: Template): string {
  return `${id}/${version}/${channel.name}`
}

function render(channel: Channel, template: Template, of: Composition) {
  const { parsed, problems } = parse(channel, template)
  return problems.length > 0
    ? { content: {}, problems }
    : renderParts(channel.template, parsed, templateScope(of))
}

/** What does not parse is not kept: it was stored before the language became stricter, and is rare. */
function parse(channel: Channel, template: Template) {
  const key = keyOf(channel, template)
  const known = parsedParts.get(key)
  if (known) return { parsed: known.parsed, problems: [] }
  const texts = template.parts[channel.name] ?? {}
  const { parsed, problems } = parseParts(channel.template, texts)
  const size = 1 + Object.values(texts).reduce((sum, text) => sum + text.length, 0)
  if (problems.length === 0) parsedParts.set(key, { parsed, size })
  return { parsed, problems }
}

export function faultText(text: string): string {
  return truncate(text, templateFaultMax)
}
