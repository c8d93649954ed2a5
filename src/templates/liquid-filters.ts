import { toValue, type Context, type Liquid } from 'liquidjs'
import { EscapedText, insideQuotes, JsonText, textOf } from './liquid-output.ts'
import type { FieldFormat } from './field.ts'

/**
 * Where values are escaped in any case, a filter that escapes would do it a second time. These filters escape for the field
 * that they stand in, and what they make is not escaped again; in JSON, `json` gives the value and not a text of it.
 */
export function registerFilters(liquid: Liquid, { kind, escaping }: FieldFormat): void {
  const isJson = kind === 'json'
  for (const name of ['json', 'jsonify', 'inspect'])
    liquid.registerFilter(name, function (value: unknown, space = 0) {
      if (value === undefined && !isJson) return undefined
      const json = new JsonText(toValue(value), Number(space))
      this.context.memoryLimit.use(json.text.length)
      return isJson ? json : json.text
    })
  if (!escaping) return
  const { unescape, lineBreak } = escaping
  const escape = isJson ? (text: string) => insideQuotes(escaping.escape(text)) : escaping.escape
  function register(name: string, change: (text: string) => string): void {
    liquid.registerFilter(name, function (value: unknown) {
      return escapeOnce(this.context, value, change)
    })
  }
  register('escape', escape)
  register('xml_escape', escape)
  register('escape_once', (text) => escape(unescape(text)))
  liquid.registerFilter('newline_to_br', function (value: unknown) {
    const { text } = escapeOnce(this.context, value, escape)
    return new EscapedText(text.replace(/\r?\n/g, lineBreak))
  })
}

function escapeOnce(context: Context, value: unknown, escape: (text: string) => string): EscapedText {
  if (value instanceof EscapedText) return value
  const text = textOf(toValue(value))
  context.memoryLimit.use(text.length)
  return new EscapedText(escape(text))
}
