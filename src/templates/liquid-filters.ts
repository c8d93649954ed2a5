import { toValue, type Context, type Liquid } from 'liquidjs'
import { escapeHtml, escapeSlack, unescapeHtml, unescapeSlack } from './escaping.ts'
import { EscapedText, insideQuotes, JsonText, liquidText } from './liquid-output.ts'
import type { TemplateKind } from './field.ts'

/** How a kind of field escapes a filter's value, and what `escape_once` unescapes first. */
interface Escaping {
  escape: (text: string) => string
  unescape: (text: string) => string
  /** The replacement of a line break by `newline_to_br` in escaped text. Slack breaks lines itself. */
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
 * Values are always escaped, so a standard filter that escapes would do it twice. These filters escape for the field that they
 * are in, and their result is not escaped again. In JSON fields, `json` gives the value and not its text.
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
