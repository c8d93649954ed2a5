import { channels } from '../../channels/index.ts'
import type { Channel } from '../../channels/channel.ts'
import type { Composition } from '../../templates/composition.ts'
import { addTitle } from '../../compute/add-title.ts'
import type { PreviewedPart } from '../../compute/job.ts'
import { packComposition } from '../../compute/payload.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import { findMessageNames } from '../../db/destinations/message-names.ts'
import type { TemplateParts } from '../../db/templates.ts'
import type { JsonObject } from '../../domain/event.ts'
import type { AppDeps } from '../deps.ts'
import type { FieldError } from '../errors.ts'
import { findSample } from '../event-types/sample.ts'
import { withinBudget } from '../http/over-budget.ts'
import { sampleMessage } from './sample.ts'

interface Previewed {
  parts: TemplateParts
  eventTypes: string[]
  event?: { type: string; data: JsonObject }
  /** Limits the preview to this channel. */
  channel?: string
}

/** Renders a template for an event. Sends and stores nothing. */
export async function previewTemplate(
  { db, compute }: Pick<AppDeps, 'db' | 'compute'>,
  scope: Scope,
  previewed: Previewed,
) {
  const event = previewed.event ?? (await sampleFor(db, scope, previewed.eventTypes))
  const { tenant, titles } = await findMessageNames(db, scope, event.type)
  const composition = await addTitle(compute, sampleMessage(scope, event, { tenant }), { titles })
  const asked = channels.filter(({ name }) => previewed.channel === undefined || previewed.channel === name)
  const parts = Object.fromEntries(
    Object.entries(previewed.parts).filter(([name]) => asked.some((channel) => channel.name === name)),
  )
  const previewing = compute.run(scope.tenantId, 'previewParts', { parts, ...packComposition(composition) })
  const rendered = await withinBudget(previewing, 'parts')
  const made = asked.map((channel) => showChannel(channel, rendered[channel.name], composition))
  return {
    event,
    channels: Object.fromEntries(asked.map(({ name }, index) => [name, made[index]?.message ?? {}])),
    problems: made.flatMap(({ problems }) => problems),
    absent: [...new Set(made.flatMap(({ absent }) => absent))],
  }
}

/** Behaves like an attempt: if one part fails, the whole message falls back to the default. */
function showChannel(channel: Channel, rendered: PreviewedPart = unrendered, composition: Composition) {
  const { rendering, absent } = rendered
  const problems: FieldError[] = rendering.problems.map(({ field, message }) => ({
    path: `parts.${channel.name}.${field}`,
    message,
  }))
  return {
    message: channel.compose(composition, problems.length > 0 ? {} : rendering.content),
    problems,
    absent,
  }
}

/** The rendering for a channel that the template has no parts for. */
const unrendered: PreviewedPart = { rendering: { content: {}, problems: [] }, absent: [] }

/**
 * Returns the sample of the first event type without a wildcard: the one that the tenant registered, or else the one in a
 * contract's catalogue.
 */
async function sampleFor(db: AppDeps['db'], scope: Scope, eventTypes: readonly string[]) {
  const named = eventTypes.filter((pattern) => !pattern.includes('*') && pattern !== 'all')
  for (const type of named) {
    const data = await findSample(db, scope, type)
    if (data) return { type, data }
  }
  return { type: named[0] ?? 'example.happened', data: madeUp }
}

/** The data for an event type without a sample. */
const madeUp: JsonObject = { message: 'This is an example; nothing has actually happened.' }
