import { z } from 'zod'
import { channels } from '../../channels/index.ts'
import { templateLimits } from '../../templates/field.ts'
import type { Compute } from '../../compute/compute.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import type { TemplateParts } from '../../db/templates.ts'
import { environments } from '../../domain/event.ts'
import { invalid } from '../errors.ts'
import { eventType } from '../events/fields.ts'
import { eventTypeGlobText } from '../fields/filter.ts'
import { withinBudget } from '../http/over-budget.ts'
import { fieldProblem } from '../http/problem.ts'
import { capitalize, jsonObject, nameText } from '../fields/text.ts'

const { partMax } = templateLimits

const partText = z
  .string()
  .min(1, 'must not be empty')
  .max(partMax, `must have at most ${partMax} characters`)

const hasSome = (fields: object) => Object.keys(fields).length > 0
/** Runs a later check only if the earlier ones have passed, so that one mistake is not reported twice. */
const isSound = ({ issues }: { issues: readonly unknown[] }) => issues.length === 0

/** The template fields of each channel in the registry. */
const partShapes = Object.fromEntries(
  channels.map(({ name, template }) => {
    const fields = Object.entries(template).map(
      ([field, { description }]) => [field, partText.optional().meta({ description })] as const,
    )
    const shape = z.strictObject(Object.fromEntries(fields)).refine(hasSome, {
      when: isSound,
      error: `must contain at least one of ${Object.keys(template).join(', ')}`,
    })
    return [name, shape.meta({ id: `${capitalize(name)}TemplateParts` }).optional()]
  }),
)

/** Liquid texts by channel and field. */
export const templateParts = z
  .strictObject(partShapes)
  .refine(hasSome, {
    when: isSound,
    error: `must have a part for at least one of ${channels.map(({ name }) => name).join(', ')}`,
  })
  .transform((parts) => parts as TemplateParts)
  .meta({ id: 'TemplatePartsInput' })

const eventTypes = z
  .array(eventTypeGlobText)
  .max(100)
  .meta({ description: 'Event types or patterns for which this template is the default.' })

export const templateBody = z
  .strictObject({
    name: nameText,
    eventTypes: eventTypes.default([]),
    parts: templateParts,
  })
  .meta({ id: 'NewTemplate' })

export const templatePatch = z
  .strictObject({
    name: nameText.optional(),
    eventTypes: eventTypes.optional(),
    parts: templateParts.optional().meta({ description: 'Replaces all existing parts.' }),
  })
  .meta({ id: 'TemplatePatch' })

const partsReply = z
  .record(z.string(), z.record(z.string(), z.string()))
  .meta({ id: 'TemplateParts', description: 'Liquid templates by channel and field.' })

export const templateReply = z
  .object({
    id: z.string(),
    version: z.int().meta({ description: 'Incremented whenever the parts change.' }),
    name: z.string(),
    environment: z.enum(environments),
    eventTypes: z.array(z.string()),
    parts: partsReply,
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: 'Template' })

/** The form in lists, without the texts. */
export const templateSummary = templateReply
  .omit({ parts: true })
  .extend({
    channels: z.array(z.string()).meta({ description: 'The channels for which the template has parts.' }),
  })
  .meta({ id: 'TemplateSummary' })

export const templateVersionReply = z
  .object({
    version: z.int(),
    name: z.string(),
    parts: partsReply,
    keyId: z.string().meta({ description: 'The id of the key that made the change.' }),
    createdAt: z.string(),
  })
  .meta({ id: 'TemplateVersion' })

const sampleEvent = z.strictObject({ type: eventType, data: jsonObject }).meta({ id: 'SampleEvent' })
const channel = z.enum(channels.map(({ name }) => name))

export const previewOfTemplate = z
  .strictObject({
    event: sampleEvent
      .optional()
      .meta({ description: 'The default is the sample of the first event type that the template lists.' }),
    channel: channel.optional().meta({ description: 'Only this channel; the default is all channels.' }),
  })
  .meta({ id: 'TemplatePreviewRequest' })

export const previewOfParts = previewOfTemplate
  .extend({
    parts: templateParts,
    eventTypes: eventTypes.default([]),
  })
  .meta({ id: 'TemplatePartsPreviewRequest' })

export const previewReply = z
  .object({
    event: z.object({ type: z.string(), data: z.record(z.string(), z.unknown()) }),
    channels: z.record(z.string(), z.record(z.string(), z.unknown())).meta({
      description:
        'The message by channel and field: from the template, or the default where the template has no part.',
    }),
    problems: z
      .array(fieldProblem)
      .meta({ description: 'Why a channel uses the default although the template has a part for it.' }),
    absent: z
      .array(z.string())
      .meta({ description: 'Variables that the template uses but this event does not have.' }),
  })
  .meta({ id: 'TemplatePreview' })

/** Throws if a part is not valid Liquid. Each error has the path of its part. */
export async function requireLiquid(
  compute: Compute,
  { tenantId }: Pick<Scope, 'tenantId'>,
  parts: TemplateParts,
): Promise<void> {
  const checked = compute.run(tenantId, 'checkTemplates', { templates: [parts] })
  const problems = (await withinBudget(checked, 'parts')).flat()
  if (problems.length > 0) throw invalid(problems)
}
