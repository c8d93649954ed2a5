import { toValue } from 'liquidjs'
import { escapeHtml, escapeSlack } from './escaping.ts'
import { templateLimits, type TemplateKind } from './template-field.ts'

/** What goes from a template's `{{ … }}` to its output: a text, or what becomes one where it is written. */
export function escapeValue(kind: TemplateKind, value: unknown): string | JsonValue {
  const plain: unknown = toValue(value)
  switch (kind) {
    case 'line':
    case 'text':
      return textOf(plain)
    case 'html':
      return escapeHtml(textOf(plain))
    case 'slack':
      return escapeSlack(textOf(plain))
    case 'json':
      return new JsonValue(plain, (text) => text)
    case 'slackJson':
      return new JsonValue(plain, escapeSlack)
  }
}

/** As Liquid writes values; objects, for which it has no form, are JSON. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) return value.map(textOf).join('')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A value inside of JSON. How it is written depends on whether it stands between quotation marks. */
export class JsonValue {
  readonly value: unknown
  readonly escapeText: (text: string) => string

  constructor(value: unknown, escapeText: (text: string) => string) {
    this.value = value
    this.escapeText = escapeText
  }

  /** Between quotation marks: nothing in it ends the text. */
  inText(): string {
    return JSON.stringify(this.escapeText(textOf(this.value))).slice(1, -1)
  }

  /** By itself: a whole value, which has its own quotation marks if it is a text. */
  byItself(): string {
    const escaped = (_key: string, inner: unknown) =>
      typeof inner === 'string' ? this.escapeText(inner) : inner
    return JSON.stringify(this.value ?? null, escaped)
  }
}

/** Collects what a template writes, and ends it when that is too much. This is liquidjs’s `Emitter`. */
export class BoundedOutput {
  buffer = ''

  write(piece: unknown): void {
    this.add(piece instanceof JsonValue ? piece.inText() : textOf(toValue(piece)))
  }

  protected add(text: string): void {
    this.buffer += text
    if (this.buffer.length > templateLimits.outputMaxBytes) throw new TooLong()
  }
}

/** Likewise of JSON: it knows whether it is between quotation marks. */
export class JsonOutput extends BoundedOutput {
  private inText = false
  private afterBackslash = false

  override write(piece: unknown): void {
    if (piece instanceof JsonValue) return this.add(this.inText ? piece.inText() : piece.byItself())
    const text = textOf(toValue(piece))
    for (const char of text) this.read(char)
    this.add(text)
  }

  private read(char: string): void {
    if (this.afterBackslash) this.afterBackslash = false
    else if (char === '\\') this.afterBackslash = this.inText
    else if (char === '"') this.inText = !this.inText
  }
}

export class TooLong extends Error {
  override message = `it is longer than ${templateLimits.outputMaxBytes / 1024} KiB`
}
