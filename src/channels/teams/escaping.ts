import type { Escaping } from '../../templates/field.ts'

/** The word joiner is invisible and not white space to a Markdown parser, so the characters after it start no markup. */
const joiner = '\u2060'

/** Characters that a backslash escapes, in CommonMark and in the parser of Teams' mobile apps. */
const signs = /[\\*_`~[\]]/g

/** Line starts that begin a list, a heading, a quotation, a table or code. */
const lineStarts = /^(?=[ \t=#>|]|[-+](?:[-+:|\s]|$)|:-|\d+[.)])/gm

/** Characters that may begin a link, a mention, an entity, or a card's DATE() and TIME() within a line. */
const openings = /<|&|\{|\/(?=\/|$)|www(?=\.)|\](?=\(|$)/gi

/**
 * Escapes text for a TextBlock, whose Markdown can contain bold, italic, lists and links; escaped text forms none of these. A word
 * joiner breaks what a backslash cannot escape, as well as bare URLs, which some clients link by themselves. Source: Microsoft,
 * "Adaptive Cards, text features".
 */
export function escapeMarkdown(text: string): string {
  return text
    .replaceAll(joiner, '')
    .replace(openings, `$&${joiner}`)
    .replace(lineStarts, joiner)
    .replace(signs, '\\$&')
}

/** Restores text for parts of a card in which Teams interprets no Markdown. */
export function unescapeMarkdown(text: string): string {
  return text.replaceAll(joiner, '').replace(/\\([\\*_`~[\]])/g, '$1')
}

/** Markdown starts a new line only at an empty line. */
export const markdownEscaping: Escaping = {
  escape: escapeMarkdown,
  unescape: unescapeMarkdown,
  lineBreak: '\n\n',
}
