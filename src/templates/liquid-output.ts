import { Drop, toValue } from 'liquidjs'
import { stringify as stringifySpaced } from 'lossless-json'
import { ExactNumber } from '../domain/json/exact-number.ts'
import { stringifyExactly } from '../domain/json/json-text.ts'
import { templateLimits, type FieldFormat } from './field.ts'

/** Escapes the value of `{{ … }}` for its field: a string, or a value that is converted when it is written. */
export function escapeValue({ kind, escaping }: FieldFormat, value: unknown): string | JsonValue {
  const isJson = kind === 'json'
  const escapeText = escaping?.escape ?? ((text: string) => text)
  if (value instanceof EscapedText) return isJson ? new EscapedJson(value.text) : value.text
  if (value instanceof JsonText && isJson) return new JsonValue(value.value, escapeText, value)
  const plain: unknown = toValue(value)
  return isJson ? new JsonValue(plain, escapeText) : escapeText(liquidText(plain))
}

/** Converts a value as Liquid does. Objects, for which Liquid has no form, become JSON. */
export function liquidText(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) return value.map(liquidText).join('')
  return typeof value === 'string' ? value : stringifyExactly(value)
}

/**
 * A text that was escaped on its way (by `capture`, `escape` or `newline_to_br`), and is not escaped again where it is printed.
 * For every filter and comparison it is its text.
 */
export class EscapedText extends Drop {
  readonly text: string

  constructor(text: string) {
    super()
    this.text = text
  }

  get size(): number {
    return this.text.length
  }

  /** The filter `size` reads this one. */
  get length(): number {
    return this.text.length
  }

  override valueOf(): string {
    return this.text
  }

  toJSON(): string {
    return this.text
  }
}

/** The result of the filter `json` in a JSON template: the value itself, which is written as JSON anyway. */
export class JsonText extends Drop {
  readonly value: unknown
  readonly space: number
  readonly text: string

  constructor(value: unknown, space: number) {
    super()
    this.value = value
    this.space = space
    this.text = toJson(value ?? null, space)
  }

  override valueOf(): string {
    return this.text
  }
}

/** A value inside JSON. Its form depends on whether it is between quotation marks. */
export class JsonValue {
  readonly value: unknown
  readonly escapeText: (text: string) => string
  /** The template has asked for its JSON, by the filter of that name. */
  readonly json: JsonText | undefined

  constructor(value: unknown, escapeText: (text: string) => string, json?: JsonText) {
    this.value = value
    this.escapeText = escapeText
    this.json = json
  }

  /** Between quotation marks: nothing in it ends the text. */
  inText(): string {
    return insideQuotes(this.escapeText(this.json?.text ?? liquidText(this.value)))
  }

  /** As a complete value: a string gets its own quotation marks. */
  byItself(): string {
    return toJson(escapeTexts(this.value ?? null, this.escapeText), this.json?.space)
  }
}

/** An escaped text inside of JSON. Where it holds quotation marks of the template's own, they are escaped after all. */
class EscapedJson extends JsonValue {
  constructor(text: string) {
    super(text, (same) => same)
  }

  override inText(): string {
    const text = liquidText(this.value)
    return isInsideQuotes(text) ? text : insideQuotes(text)
  }

  override byItself(): string {
    return `"${this.inText()}"`
  }
}

/** A string as it is written between JSON's quotation marks. */
export function insideQuotes(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function isInsideQuotes(text: string): boolean {
  try {
    return typeof JSON.parse(`"${text}"`) === 'string'
  } catch {
    return false
  }
}

/** JSON with numbers as they were posted. */
function toJson(value: unknown, space = 0): string {
  if (space === 0) return stringifyExactly(value)
  return stringifySpaced(value, undefined, space, [{ test: isExact, stringify: String }]) ?? 'null'
}

function isExact(value: unknown): boolean {
  return value instanceof ExactNumber
}

function escapeTexts(value: unknown, escape: (text: string) => string): unknown {
  if (typeof value === 'string') return escape(value)
  if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return value
  if (value instanceof Drop) return escapeTexts(value.valueOf(), escape)
  if (Array.isArray(value)) return value.map((item) => escapeTexts(item, escape))
  const members = Object.entries(value).map(([name, inner]) => [name, escapeTexts(inner, escape)])
  return Object.fromEntries(members) as unknown
}

/** Collects what a template writes, and ends it when that is too much. This is liquidjs’s `Emitter`. */
export class BoundedOutput {
  buffer = ''

  write(piece: unknown): void {
    this.add(piece instanceof JsonValue ? piece.inText() : liquidText(toValue(piece)))
  }

  protected add(text: string): void {
    this.buffer += text
    if (this.buffer.length > templateLimits.outputMaxBytes) throw new TooLong()
  }
}

/** Output of JSON, which tracks whether it is between quotation marks. */
export class JsonOutput extends BoundedOutput {
  private inText = false
  private afterBackslash = false

  override write(piece: unknown): void {
    if (piece instanceof JsonValue) return this.add(this.inText ? piece.inText() : piece.byItself())
    const text = liquidText(toValue(piece))
    for (const char of text) this.read(char)
    this.add(text)
  }

  private read(char: string): void {
    if (this.afterBackslash) this.afterBackslash = false
    else if (char === '\\') this.afterBackslash = this.inText
    else if (char === '"') this.inText = !this.inText
  }
}

class TooLong extends Error {
  override message = `it is longer than ${templateLimits.outputMaxBytes / 1024} KiB`
}
