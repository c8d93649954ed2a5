import {
  CaptureTag,
  Context,
  Liquid,
  LiquidError,
  Tag,
  toValueSync,
  type Emitter,
  type LiquidOptions,
  type Template,
} from 'liquidjs'
import { oneLine } from '../domain/json/payload-fields.ts'
import { OverDeadline, withinDeadline } from './deadline.ts'
import { registerFilters } from './liquid-filters.ts'
import { BoundedOutput, EscapedText, escapeValue, JsonOutput, JsonValue } from './liquid-output.ts'
import { templateLimits, type Escaping, type FieldFormat, type TemplateKind } from './field.ts'

/** A part of a template, ready to be rendered any number of times. */
export type ParsedPart = Template[]

/** A template's variables by name. */
export type TemplateScope = Readonly<Record<string, unknown>>

/** liquidjs looks at its watch between two steps, so this ends most of what is slow with a better word than the deadline has. */
const renderLimit = templateLimits.renderMs * 0.8

const options: LiquidOptions = {
  templates: {},
  strictFilters: true,
  ownPropertyOnly: true,
  parseLimit: templateLimits.partMax,
  memoryLimit: templateLimits.memory,
  renderLimit,
  dateFormat: '%Y-%m-%d %H:%M:%S',
  timezoneOffset: 0,
  locale: 'en-US',
}

/** There are no other templates, and no files. */
class RefusedTag extends Tag {
  constructor(...args: ConstructorParameters<typeof Tag>) {
    super(...args)
    throw new Error(
      `the tag "${args[0].name}" is not supported: a template cannot include or extend another one`,
    )
  }

  render(): void {}
}

/** liquidjs bounds neither what is captured nor asks us how to write it. Its values have been escaped on their way. */
class BoundedCapture extends CaptureTag {
  override *render(context: Context): Generator<unknown, void, string> {
    const output = new BoundedOutput()
    yield this.liquid.renderer.renderTemplates(this.templates, context, output)
    context.memoryLimit.use(output.buffer.length)
    Object.assign(context.bottom(), { [this.variable]: new EscapedText(output.buffer) })
  }
}

function createEngine(more: LiquidOptions): Liquid {
  const liquid = new Liquid({ ...options, ...more })
  for (const name of ['include', 'render', 'layout', 'block']) liquid.registerTag(name, RefusedTag)
  liquid.registerTag('capture', BoundedCapture)
  return liquid
}

function createFieldEngine(format: FieldFormat, more: LiquidOptions = {}): Liquid {
  function escape(this: { context: Context }, value: unknown): unknown {
    const escaped = escapeValue(format, value)
    if (!(escaped instanceof JsonValue)) this.context.memoryLimit.use(escaped.length)
    return escaped
  }
  // liquidjs calls it like a filter, with a context, and passes its result to the output unchanged. Its types are narrower.
  const engine = createEngine({ ...more, outputEscape: escape as LiquidOptions['outputEscape'] })
  registerFilters(engine, format)
  return engine
}

/** One engine for each format that a channel declares, made when it is first needed. */
const engines = new Map<Escaping | undefined, Map<TemplateKind, Liquid>>()

function fieldEngine({ kind, escaping }: FieldFormat): Liquid {
  const byKind = engines.get(escaping) ?? new Map<TemplateKind, Liquid>()
  const engine = byKind.get(kind) ?? createFieldEngine({ kind, ...(escaping && { escaping }) })
  engines.set(escaping, byKind.set(kind, engine))
  return engine
}

const strict = { strictVariables: true, lenientIf: true }
const strictLine = createFieldEngine({ kind: 'line' }, strict)
const strictEngine = createEngine({ ...strict, catchAllErrors: true })

/** Throws what `describeFault` puts into words. */
export function parsePart(format: FieldFormat, text: string): ParsedPart {
  const engine = fieldEngine(format)
  return withinDeadline(templateLimits.renderMs, () => engine.parse(text))
}

/** Takes no longer than the deadline that it is called within. Throws what `describeFault` puts into words. */
export function renderPart(format: FieldFormat, parsed: ParsedPart, scope: TemplateScope): string {
  const engine = fieldEngine(format)
  const { options, renderer } = engine
  const output: Emitter = format.kind === 'json' ? new JsonOutput() : new BoundedOutput()
  // The scope is copied, since `increment` writes into it.
  const context = new Context({ ...scope }, options, { sync: true }, { liquid: engine })
  toValueSync(renderer.renderTemplates(parsed, context, output))
  return output.buffer
}

/** A line of text, only if everything that it prints is there. Throws what `describeFault` puts into words. */
export function renderStrictLine(text: string, scope: TemplateScope, timeoutMs: number): string {
  return withinDeadline(timeoutMs, () => {
    const output = new BoundedOutput()
    const context = new Context({ ...scope }, strictLine.options, { sync: true }, { liquid: strictLine })
    toValueSync(strictLine.renderer.renderTemplates(strictLine.parse(text), context, output))
    return oneLine(output.buffer).trim()
  })
}

/**
 * The names that a text prints and that are missing, such as `data.customer`. Names that are only used in conditions do not
 * count.
 */
export function absentVariables(text: string, scope: TemplateScope): string[] {
  try {
    withinDeadline(templateLimits.renderMs, () => {
      strictEngine.parseAndRenderSync(text, { ...scope })
    })
    return []
  } catch (error) {
    return [...new Set(undefinedNames(error))]
  }
}

function undefinedNames(error: unknown): string[] {
  if (!LiquidError.is(error)) return []
  if ('errors' in error && Array.isArray(error.errors))
    return error.errors.flatMap((inner: unknown) => undefinedNames(inner))
  const { originalError } = error
  if (originalError && 'variableName' in originalError) return [String(originalError.variableName)]
  return undefinedNames(originalError)
}

/** Describes an error for the template's author. */
export function describeFault(error: unknown): string {
  if (error instanceof OverDeadline) return error.message
  if (error instanceof RangeError) return tooDeep
  if (!LiquidError.is(error)) return error instanceof Error ? error.message : String(error)
  const [, message = '', line, column] = /^(.*), line:(\d+), col:(\d+)$/s.exec(error.message) ?? [
    ,
    error.message,
  ]
  const where = line === undefined ? '' : ` (line ${line}, column ${column})`
  return `${inOurWords.get(message) ?? (quotesValue(error) ? unusableValue : message)}${where}`
}

const unusableValue = 'a filter was given a value that it cannot use'

/** JavaScript's own errors name the value that they are about, which may be a payload: a time zone, say. */
function quotesValue({ originalError }: LiquidError): boolean {
  return [TypeError, RangeError, SyntaxError, URIError].some((kind) => originalError instanceof kind)
}

/** True if rendering was stopped because it took too long. */
export function isSlow(error: unknown): boolean {
  return error instanceof OverDeadline || (LiquidError.is(error) && error.message.startsWith(overRenderLimit))
}

const overRenderLimit = 'template render limit exceeded'
const tooDeep = 'it is nested too deeply, or produces too much text'
const inOurWords = new Map([
  ['Maximum call stack size exceeded', tooDeep],
  ['Invalid string length', tooDeep],
  [overRenderLimit, new OverDeadline().message],
  ['memory alloc limit exceeded', 'it produces too much text or too long lists while rendering'],
])
