import type { Escaping } from '../../templates/field.ts'

/** Word joiner: it is invisible, and no white space to a Markdown parser, so that what follows it begins nothing. */
const joiner = '\u2060'

/** Signs that a backslash makes ordinary, in CommonMark and in the parser of Teams' mobile apps. */
const signs = /[\\*_`~[\]]/g

/** The beginnings of lines that make a list, a heading, a quotation, a table or code of what follows. */
const lineStarts = /^(?=[ \t=#>|]|[-+](?:[-+:|\s]|$)|:-|\d+[.)])/gm

/** Signs after which the same line could go on to a link, a mention, an entity, or a card's DATE() and TIME(). */
const openings = /<|&|\{|\/(?=\/|$)|www(?=\.)|\](?=\(|$)/gi

/**
 * Text as it stands in a TextBlock, whose Markdown can hold bold, italic, lists and links. Escaped text makes none of these. A word
 * joiner breaks what a backslash does not, and bare URLs as well, of which some clients make links by themselves.
 * Source: Microsoft, "Adaptive Cards, text features".
 */
export function escapeMarkdown(text: string): string {
  return text
    .replaceAll(joiner, '')
    .replace(openings, `$&${joiner}`)
    .replace(lineStarts, joiner)
    .replace(signs, '\\$&')
}

/** For texts of a card in which Teams reads no Markdown. */
export function unescapeMarkdown(text: string): string {
  return text.replaceAll(joiner, '').replace(/\\([\\*_`~[\]])/g, '$1')
}

/** In Markdown, only an empty line makes a new line. */
export const markdownEscaping: Escaping = {
  escape: escapeMarkdown,
  unescape: unescapeMarkdown,
  lineBreak: '\n\n',
}
