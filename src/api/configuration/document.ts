import { z } from 'zod'
import { templateLimits } from '../../templates/field.ts'
import { environments } from '../../domain/event.ts'
import { ruleLimits } from '../../domain/rules/rule.ts'
import { destinationShapes } from '../destinations/routes.ts'
import { maxDestinations } from '../destinations/store.ts'
import { ruleBody } from '../rules/fields.ts'
import { templateBody } from '../templates/fields.ts'
import { capitalize, jsonObject } from '../fields/text.ts'

export const kinds = ['destination', 'template', 'rule'] as const
export type Kind = (typeof kinds)[number]

/** The document's list for each kind. */
export const readSection = { destination: 'destinations', template: 'templates', rule: 'rules' } as const

/** The document's version. A later Switchyard may accept several. */
export const documentVersion = 1

/** The document without its entries. They are parsed one by one, once each is matched to its stored thing. */
export const documentBody = z.strictObject({
  switchyard: z.literal(documentVersion),
  environment: z
    .enum(environments)
    .optional()
    .meta({ description: 'If given, it must match the key’s environment.' }),
  ...sections({ destination: jsonObject, template: jsonObject, rule: jsonObject }),
})

function sections<Entry extends z.ZodType>(entries: Record<Kind, Entry>) {
  const described =
    'Set `id` where the name is ambiguous. If the list is omitted, its section is left unchanged.'
  const section = (entry: Entry, max: number, shape: string) =>
    z
      .array(entry)
      .max(max)
      .optional()
      .meta({ description: `${shape} ${described}` })
  return {
    destinations: section(entries.destination, maxDestinations, 'As in POST /destinations, without secret.'),
    templates: section(entries.template, templateLimits.templates, 'As in POST /templates.'),
    rules: section(entries.rule, ruleLimits.rules, 'As in POST /rules, in order, with names instead of ids.'),
  }
}

export type ConfigurationDocument = z.output<typeof documentBody>

const id = { id: z.string().optional() }

const destinationEntries = destinationShapes.map((shape) =>
  shape
    .omit({ secret: true })
    .extend(id)
    .meta({ id: `${capitalize(shape.shape.channel.value)}DestinationEntry` }),
)
type DestinationEntryShape = (typeof destinationEntries)[number]

export const destinationEntry = z
  .discriminatedUnion('channel', destinationEntries as [DestinationEntryShape, ...DestinationEntryShape[]])
  .meta({ id: 'DestinationEntry' })
export const templateEntry = templateBody.extend(id).meta({ id: 'TemplateEntry' })
export const ruleEntry = ruleBody.omit({ position: true }).extend(id).meta({ id: 'RuleEntry' })

/** The document with its entries, as OpenAPI describes it. */
export const describedDocument = documentBody
  .extend(sections<z.ZodType>({ destination: destinationEntry, template: templateEntry, rule: ruleEntry }))
  .meta({ id: 'ConfigurationDocument' })
