import { channels } from '../channels/index.ts'
import { absentVariables } from '../channels/liquid.ts'
import { parseParts, renderParts, templateScope } from '../channels/template-content.ts'
import type { Channel, Composition } from '../channels/channel.ts'
import type { Scope } from '../db/destinations.ts'
import { findMessageNames } from '../db/message-names.ts'
import type { TemplateParts } from '../db/templates.ts'
import type { JsonObject } from '../domain/event.ts'
import type { AppDeps } from './app.ts'
import type { FieldError } from './errors.ts'
import { findSample } from './event-sample.ts'
import { sampleMessage } from './sample-message.ts'

interface Previewed {
  parts: TemplateParts
  eventTypes: string[]
  event?: { type: string; data: JsonObject } | undefined
  /** Only this one. */
  channel?: string | undefined
}

/** What a template makes of an event; nothing is sent and nothing is stored. */
export async function previewTemplate({ db }: Pick<AppDeps, 'db'>, scope: Scope, previewed: Previewed) {
  const event = previewed.event ?? (await sampleFor(db, scope, previewed.eventTypes))
  const composition = sampleMessage(scope, event, await findMessageNames(db, scope, event.type))
  const asked = channels.filter(({ name }) => previewed.channel === undefined || previewed.channel === name)
  const made = asked.map((channel) => previewChannel(channel, previewed.parts[channel.name], composition))
  return {
    event,
    channels: Object.fromEntries(asked.map(({ name }, index) => [name, made[index]?.message ?? {}])),
    problems: made.flatMap(({ problems }) => problems),
    absent: [...new Set(made.flatMap(({ absent }) => absent))],
  }
}

/** As the attempt does it: one part that fails, and the whole message is the default. */
function previewChannel(channel: Channel, texts: Record<string, string> = {}, composition: Composition) {
  const scope = templateScope(composition)
  const { parsed, problems: unparsed } = parseParts(channel.template, texts)
  const { content, problems: unrendered } = renderParts(channel.template, parsed, scope)
  const problems: FieldError[] = [...unparsed, ...unrendered].map(({ field, message }) => ({
    path: `parts.${channel.name}.${field}`,
    message,
  }))
  return {
    message: channel.compose(composition, problems.length > 0 ? {} : content),
    problems,
    absent: unrendered.some(({ slow }) => slow)
      ? []
      : Object.values(texts).flatMap((text) => absentVariables(text, scope)),
  }
}

/** Of the first type that is named in full: as the tenant registered it, or as a contract's catalogue has it. */
async function sampleFor(db: AppDeps['db'], scope: Scope, eventTypes: readonly string[]) {
  const named = eventTypes.filter((pattern) => !pattern.includes('*') && pattern !== 'all')
  for (const type of named) {
    const data = await findSample(db, scope, type)
    if (data) return { type, data }
  }
  return { type: named[0] ?? 'example.happened', data: madeUp }
}

/** For a type that nobody has given a sample. */
const madeUp: JsonObject = { message: 'This is an example: nothing has happened.' }
