import { toValue, type Context, type Liquid } from 'liquidjs'
import { EscapedText, insideQuotes, JsonText, liquidText } from './liquid-output.ts'
import type { FieldFormat } from './field.ts'

/**
 * Values are always escaped, so a standard filter that escapes would do it twice. These filters escape for the field that they
 * are in, and their result is not escaped again. In JSON fields, `json` gives the value and not its text.
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
  const text = liquidText(toValue(value))
  context.memoryLimit.use(text.length)
  return new EscapedText(escape(text))
}
