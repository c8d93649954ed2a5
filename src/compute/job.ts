import type { PartTexts, Rendering } from '../templates/content.ts'
import type { Composition } from '../templates/composition.ts'
import type { JsonObject } from '../domain/event.ts'
import type { MeasuredRegex } from '../domain/filters/regex.ts'
import type { Cause } from '../domain/rules/cause.ts'

/** A problem at a dotted path. */
export interface Problem {
  path: string
  message: string
}

/** A message's composition without its event's data, which comes as JSON text beside it. */
export interface PackedComposition {
  composition: Composition
  dataText: string
}

/** Field templates by channel. */
export type Parts = Readonly<Record<string, PartTexts>>

/** The preview of one channel's part of a template. */
export interface PreviewedPart {
  rendering: Rendering
  /** Names that it prints and that the event lacks. */
  absent: string[]
}

/** A configuration item before and after a change. One of the two is absent if it was created or deleted. */
interface ChangedEntry {
  name: string
  before?: ConfigurationEntry
  after?: ConfigurationEntry
}

interface ConfigurationEntry {
  entry: JsonObject
  place?: number
}

/**
 * The jobs that threads run. Inputs and results are copied between threads, so they are plain data. A payload is passed as its
 * JSON text, which is cheaper than copying its objects and keeps it exactly as it was posted.
 */
export interface Jobs {
  /** Returns for each filter whether it matches, or `null` if time ran out before it was evaluated. */
  passFilters(input: {
    filters: readonly JsonObject[]
    event: { id: string; type: string }
    dataText: string
  }): (boolean | null)[]
  /** Returns the data's violations of a checked schema. */
  checkData(input: { schema: JsonObject; dataText: string; at: string }): Problem[]
  /** Returns the problems of a schema and its sample's violations of it. */
  checkSchema(input: { schema: JsonObject; sample: JsonObject | null }): Problem[]
  /** Returns the parts of each template that are not valid Liquid, by path. */
  checkTemplates(input: { templates: readonly Parts[] }): Problem[][]
  /** `key` identifies the immutable texts: the template, its version and the channel. */
  renderParts(input: { channel: string; key: string; texts: PartTexts } & PackedComposition): Rendering
  /** Renders the first of an event type's Liquid titles that applies to the event. */
  makeTitle(input: { titles: readonly string[]; cause?: Cause } & PackedComposition): string
  /** Returns the problem of an event type's title; the type's sample must have every variable that it prints. */
  checkTitle(input: { title: string; sample: JsonObject | null }): string | undefined
  previewParts(input: { parts: Parts } & PackedComposition): Record<string, PreviewedPart>
  /** Converts a YAML document to JSON text, or returns its problem. */
  parseYaml(input: { text: string }): { json: string } | { problems: Problem[] }
  formatYaml(input: { document: JsonObject; comment?: string }): string
  /** Returns a unified diff of each change of a configuration, as YAML. */
  diffEntries(input: { changes: readonly ChangedEntry[] }): string[]
  measureRegexes(input: { regexes: readonly { pattern: string; options: string }[] }): MeasuredRegex[]
}

export type JobKind = keyof Jobs
export type JobInput<Kind extends JobKind> = Parameters<Jobs[Kind]>[0]
export type JobResult<Kind extends JobKind> = ReturnType<Jobs[Kind]>

/** The request to a thread and its response. */
export interface JobRequest<Kind extends JobKind = JobKind> {
  kind: Kind
  input: JobInput<Kind>
}
export type JobAnswer = { ranMs: number } & ({ result: unknown } | { overTime: true })
