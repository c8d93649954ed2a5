/** Ends a text that a channel has no room for, so that its readers know where the rest is. */
export const shortened = '… truncated; the event log has the full text'

/**
 * Shortens a text to `max` UTF-16 code units, `ending` included. Channels count characters in different ways; none counts
 * more than these.
 */
export function truncate(text: string, max: number, ending = '…', unbroken?: RegExp): string {
  if (text.length <= max) return text
  return cut(text, max - ending.length, unbroken) + ending
}

/**
 * The longest prefix of a text within `max` code units that ends between two graphemes, so that an emoji stays whole, and not
 * inside a match of `unbroken` (global), such as a link.
 */
export function cut(text: string, max: number, unbroken?: RegExp): string {
  if (text.length <= max) return text
  const end = graphemeStart(text, max)
  const inside = unbroken && matchAcross(text, end, unbroken)
  return text.slice(0, inside || end)
}

/** Like `cut`, but by code points only: the result is the same in every version of Node.js, as workflow code needs it. */
export function cutCodePoints(text: string, max: number): string {
  return text.length > max ? text.slice(0, codePointStart(text, max)) : text
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
/** A letter can have any number of marks; beyond this many code units they are cut off after all. */
const maxGraphemeLength = 64

function graphemeStart(text: string, at: number): number {
  // Whether the cut is between two graphemes depends on what follows it: one code point is enough.
  const { index = 0 } = graphemes.segment(text.slice(0, at + 2)).containing(at) ?? {}
  return index > at - maxGraphemeLength ? index : codePointStart(text, at)
}

function codePointStart(text: string, at: number): number {
  const insidePair = /[\uD800-\uDBFF]/.test(text.charAt(at - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(at))
  return insidePair ? at - 1 : at
}

/** The start of the match that contains `at`. */
function matchAcross(text: string, at: number, pattern: RegExp): number | undefined {
  for (const { index, 0: match } of text.matchAll(pattern)) {
    if (index >= at) return undefined
    if (index + match.length > at) return index
  }
  return undefined
}
