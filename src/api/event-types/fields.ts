import { z } from 'zod'
import type { Compute } from '../../compute/compute.ts'
import type { EventType } from '../../db/generated/client.ts'
import { Prisma } from '../../db/generated/client.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { catalogues, findEntry } from '../../domain/catalogue/index.ts'
import { catalogueTitle } from '../../domain/catalogue/titles.ts'
import type { JsonObject } from '../../domain/event.ts'
import { invalid } from '../errors.ts'
import { eventType } from '../events/fields.ts'
import { withinBudget } from '../http/over-budget.ts'
import { jsonObject } from '../fields/text.ts'

const description = z.string().max(2000)
const title = z.string().trim().min(1, 'must not be empty').max(500).meta({
  description:
    'A Liquid template for the title of messages about events of this type, such as {{ data.name }}: {{ data.status }}.',
})
const schema = jsonObject.meta({
  description: 'The JSON Schema of the event’s data: 2020-12, or draft-07 if $schema says so.',
})
const enforce = z.boolean().meta({ description: 'Reject events whose data does not match the schema.' })

export const eventTypeBody = z
  .strictObject({
    type: eventType,
    description: description.default(''),
    title: title.optional(),
    schema: schema.optional(),
    sample: jsonObject.optional(),
    enforce: enforce.default(false),
  })
  .meta({ id: 'NewEventType' })

/** `null` removes a field. */
export const eventTypePatch = z
  .strictObject({
    description: description.optional(),
    title: title.nullable().optional(),
    schema: schema.nullable().optional(),
    sample: jsonObject.nullable().optional(),
    enforce: enforce.optional(),
  })
  .meta({ id: 'EventTypePatch' })

export const eventTypeReply = z
  .object({
    type: z.string(),
    source: z.enum(['own', 'contract']),
    aliases: z.array(z.string()),
    description: z.string(),
    group: z.string().optional(),
    contract: z.string().optional(),
    title: z.string().optional(),
    schema: z.record(z.string(), z.unknown()).optional(),
    sample: z.record(z.string(), z.unknown()).optional(),
    enforce: z.boolean().optional(),
    createdAt: z.string().optional(),
    updatedAt: z.string().optional(),
  })
  .meta({ id: 'EventType' })

/** The stored settings of an event type, which are checked together. */
export interface EventTypeSettings {
  description: string
  title: string | null
  schema: JsonObject | null
  sample: JsonObject | null
  enforce: boolean
}

/** Throws if the schema is invalid, the title or the sample does not match, or `enforce` is set without a schema. */
export async function checkSettings(
  compute: Compute,
  tenantId: string,
  { title, schema, sample, enforce }: EventTypeSettings,
): Promise<void> {
  const untitled =
    title === null
      ? undefined
      : await withinBudget(compute.run(tenantId, 'checkTitle', { title, sample }), 'title')
  if (untitled !== undefined) throw invalid([{ path: 'title', message: untitled }])
  if (enforce && !schema) throw invalid([{ path: 'enforce', message: 'requires a schema' }])
  if (!schema) return
  const problems = await withinBudget(compute.run(tenantId, 'checkSchema', { schema, sample }), 'schema')
  if (problems.length > 0) throw invalid(problems.slice(0, 20))
}

export function toColumns({ description, title, schema, sample, enforce }: EventTypeSettings) {
  return { description, title, schema: schema ?? Prisma.DbNull, sample: sample ?? Prisma.DbNull, enforce }
}

export function toSettings(row: EventType): EventTypeSettings {
  const { description, title, schema, sample, enforce } = row
  return {
    description,
    title,
    schema: schema as JsonObject | null,
    sample: sample as JsonObject | null,
    enforce,
  }
}

export function showOwn(row: EventType) {
  const { type, description, enforce, createdAt, updatedAt } = row
  const { title, schema, sample } = toSettings(row)
  return definedOnly({
    type,
    source: 'own' as const,
    aliases: [...(findEntry(type)?.aliases ?? [])],
    description,
    title: title ?? undefined,
    schema: schema ?? undefined,
    sample: sample ?? undefined,
    enforce,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  })
}

/** The event types of the adopted contracts and Switchyard's own, in the order of their documents. */
export const contractTypes = catalogues.flatMap(({ contract, groups }) =>
  groups.flatMap(({ name: group, types }) =>
    types.map(({ type, aliases = [], description, sample }) => ({
      type,
      title: catalogueTitle(type),
      source: 'contract' as const,
      aliases: [...aliases],
      description,
      group,
      contract,
      sample,
    })),
  ),
)
