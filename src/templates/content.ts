import { parse as parseJson } from 'lossless-json'
import { definedOnly } from '../domain/defined-only.ts'
import { exactly } from '../domain/json/exact-number.ts'
import { oneLine } from '../domain/json/payload-fields.ts'
import { truncate } from '../domain/truncate.ts'
import type { Composition } from './composition.ts'
import { withinDeadline } from './deadline.ts'
import {
  describeFault,
  isSlow,
  parsePart,
  renderPart,
  type ParsedPart,
  type TemplateScope,
} from './liquid.ts'
import { insideQuotes } from './liquid-output.ts'
import { getTitle } from './message-title.ts'
import { templateLimits, type Content, type TemplateField, type TemplateFields } from './field.ts'

/** A template's texts for one channel, by field. */
export type PartTexts = Readonly<Record<string, string | undefined>>

export interface PartProblem {
  field: string
  message: string
  /** It took all the time that there is: it is not to be tried again soon. */
  slow?: true
}

export type Parsed = { field: string; parsed: ParsedPart }[]

/** The valid content, and the problems of the rest. */
export type Rendering = { content: Content; problems: PartProblem[] }

/** The variables of an event that templates see (docs/guides/templates.md). */
export function templateScope(of: Composition): TemplateScope {
  const { event, destination, acknowledgeUrl, acknowledgeBy, tenant, rule, reason } = of
  const { id, type, data, createdAt, environment, test = false } = event
  return definedOnly({
    id,
    type,
    data: exactly(data),
    createdAt,
    environment,
    test,
    title: getTitle(of),
    destination: { name: destination.name },
    ...(tenant !== undefined && { tenant: { name: tenant } }),
    ...(rule !== undefined && { rule: { name: rule } }),
    reason,
    acknowledgeUrl,
    acknowledgeBy,
  })
}

/** Parses every given part. Returns the problems of parts that are not valid Liquid. */
export function parseParts(
  fields: TemplateFields,
  texts: PartTexts,
): { parsed: Parsed; problems: PartProblem[] } {
  const parsed: Parsed = []
  const problems: PartProblem[] = []
  for (const [field, format] of Object.entries(fields)) {
    const text = texts[field]
    if (text === undefined) continue
    try {
      parsed.push({ field, parsed: parsePart(format, text) })
    } catch (error) {
      problems.push({ field, message: `is not valid Liquid: ${describeFault(error)}` })
    }
  }
  return { parsed, problems }
}

/** Renders the parts of one message, within one deadline for all of them. It never throws. */
export function renderParts(fields: TemplateFields, parsed: Parsed, scope: TemplateScope): Rendering {
  let rendering: Rendering = { content: {}, problems: [] }
  try {
    withinDeadline(templateLimits.renderMs, () => {
      rendering = { content: {}, problems: [] }
      for (const part of parsed) renderInto(rendering, fields, part, scope)
    })
  } catch (error) {
    // The deadline does not tell which part was being rendered: it is the first one without a result.
    const unfinished = parsed.find(
      ({ field }) => !(field in rendering.content) && !rendering.problems.some((one) => one.field === field),
    )
    rendering.problems.push({ field: unfinished?.field ?? '', ...cannot(error) })
  }
  return rendering
}

function renderInto(
  { content, problems }: Rendering,
  fields: TemplateFields,
  { field, parsed }: Parsed[number],
  scope: TemplateScope,
): void {
  const definition = fields[field]
  if (!definition) return
  try {
    const rendered = finish(definition, renderPart(definition, parsed, scope))
    const message = findProblem(definition, rendered)
    if (message === undefined) content[field] = rendered
    else problems.push({ field, message })
  } catch (error) {
    problems.push({ field, ...cannot(error) })
  }
}

function cannot(error: unknown): Omit<PartProblem, 'field'> {
  const message = `cannot be rendered: ${describeFault(error)}`
  return { message, ...(isSlow(error) && { slow: true }) }
}

function finish(field: TemplateField, rendered: string): string {
  if (field.kind === 'line') return truncate(oneLine(rendered).trim(), templateLimits.lineMax)
  // Half of a surrogate pair that came by `raw` would not survive UTF-8; as an escape it does.
  return field.kind === 'json' ? rendered.trim().replace(/\p{Cs}/gu, insideQuotes) : rendered.trim()
}

function findProblem(field: TemplateField, rendered: string): string | undefined {
  if (rendered === '') return 'renders to an empty string'
  if (Buffer.byteLength(rendered) > templateLimits.outputMaxBytes)
    return `renders to more than ${templateLimits.outputMaxBytes / 1024} KiB`
  if (field.kind !== 'json') return field.problem?.(rendered)
  try {
    JSON.parse(rendered)
  } catch {
    return `does not render to valid JSON${faultPosition(rendered)}`
  }
  return field.problem?.(rendered)
}

/**
 * The position of a JSON syntax error. V8's message quotes the text around it, which may be a payload and would end up in logs.
 */
function faultPosition(text: string): string {
  try {
    parseJson(text)
    return ''
  } catch (error) {
    const [, position] = /position (\d+)/.exec((error as Error).message) ?? []
    return position === undefined ? '' : `: syntax error at character ${Number(position) + 1}`
  }
}
