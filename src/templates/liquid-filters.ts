import { toValue, type Context, type Liquid } from 'liquidjs'
import { escapeHtml, escapeSlack, unescapeHtml, unescapeSlack } from './escaping.ts'
import { EscapedText, insideQuotes, JsonText, liquidText } from './liquid-output.ts'
import type { TemplateKind } from './field.ts'

/** How a kind of field escapes what a filter makes of a value, and what `escape_once` takes back before. */
interface Escaping {
  escape: (text: string) => string
  unescape: (text: string) => string
  /** What `newline_to_br` makes of a line break in an escaped text. Slack breaks the line by itself. */
  lineBreak: string
}

const escapings: Partial<Record<TemplateKind, Escaping>> = {
  html: { escape: escapeHtml, unescape: unescapeHtml, lineBreak: '<br />\n' },
  slack: { escape: escapeSlack, unescape: unescapeSlack, lineBreak: '\n' },
  slackJson: {
    escape: (text) => insideQuotes(escapeSlack(text)),
    unescape: unescapeSlack,
    lineBreak: '\n',
  },
}

/**
 * Where values are escaped in any case, a filter that escapes would do it a second time. These filters escape for the field
 * that they stand in, and what they make is not escaped again; in JSON, `json` gives the value and not a text of it.
 */
export function registerFilters(liquid: Liquid, kind: TemplateKind): void {
  const isJson = kind === 'json' || kind === 'slackJson'
  for (const name of ['json', 'jsonify', 'inspect'])
    liquid.registerFilter(name, function (value: unknown, space = 0) {
      if (value === undefined && !isJson) return undefined
      const json = new JsonText(toValue(value), Number(space))
      this.context.memoryLimit.use(json.text.length)
      return isJson ? json : json.text
    })
  const escaping = escapings[kind]
  if (!escaping) return
  const { escape, unescape, lineBreak } = escaping
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
