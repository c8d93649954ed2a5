import { LRUCache } from 'lru-cache'
import type { Channel } from '../../channels/channel.ts'
import type { Composition } from '../../templates/composition.ts'
import type { PartProblem, Rendering } from '../../templates/content.ts'
import type { Content } from '../../templates/field.ts'
import { maxMessageWaitMs, type Compute } from '../../compute/compute.ts'
import { OverBudget } from '../../compute/over-budget.ts'
import { packComposition } from '../../compute/payload.ts'
import { findTemplate, type Template } from '../../db/templates.ts'
import { maxTemplateFaultLength, type TemplateRef } from '../../domain/delivery/outcome.ts'
import { noContentFor, templateIsGone } from '../../domain/templates.ts'
import { truncate } from '../../domain/truncate.ts'
import type { ActivityDeps } from '../deps.ts'

/** A rendered template. Without content the default message is sent, and `templateFault` says why. */
export interface Rendered {
  content?: Content
  template?: TemplateRef
  templateFault?: string
}

/** Recent faults of templates that took too long: a slow template must not use up its tenant's time again and again. */
const slowLately = new LRUCache<string, string>({ max: 1000, ttl: 60_000 })

type RenderDeps = Pick<ActivityDeps, 'db' | 'compute'>

/** Renders a message's content from a template. Throws only if the database cannot be read. */
export async function renderTemplate(
  { db, compute }: RenderDeps,
  channel: Channel,
  of: Composition,
  templateId: string,
): Promise<Rendered> {
  const { tenantId, environment } = of.event
  const found = await findTemplate(db, { tenantId, environment }, templateId)
  if (!found) return { templateFault: templateIsGone(templateId) }
  const template = { id: found.id, version: found.version }
  if (Object.keys(found.parts[channel.name] ?? {}).length === 0)
    return { template, templateFault: noContentFor(channel.name) }
  const key = cacheKey(channel, found)
  const known = slowLately.get(key)
  if (known !== undefined)
    return { template, templateFault: faultText(`${known}; not rendered again for a minute`) }
  const { content, problems } = await render(compute, channel, found, of)
  const [problem] = problems
  if (!problem) return { content, template }
  const templateFault = faultText(
    [channel.name, problem.field].filter(Boolean).join('.') + ` ${problem.message}`,
  )
  if (problem.slow) slowLately.set(key, templateFault)
  return { template, templateFault }
}

function cacheKey(channel: Channel, { id, version }: Template): string {
  return `${id}/${version}/${channel.name}`
}

async function render(
  compute: Compute,
  channel: Channel,
  template: Template,
  of: Composition,
): Promise<Rendering> {
  const key = cacheKey(channel, template)
  const texts = template.parts[channel.name] ?? {}
  const input = { channel: channel.name, key, texts, ...packComposition(of) }
  const options = { maxWaitMs: maxMessageWaitMs }
  try {
    return await compute.run(of.event.tenantId, 'renderParts', input, options)
  } catch (error) {
    if (!(error instanceof OverBudget)) throw error
    const problem: PartProblem = { field: '', message: `cannot be rendered: it ${error.message}` }
    return { content: {}, problems: [problem] }
  }
}

export function faultText(text: string): string {
  return truncate(text, maxTemplateFaultLength)
}
