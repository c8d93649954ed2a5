import { shapeLimits } from './shape.ts'

/**
 * Far more than any route accepts: `shapeProblem` has a lower limit and reports the path. `JSON.parse` needs more than a second for
 * millions of nested arrays, so it must never see them.
 */
const maxDepth = 1_000

/**
 * Returns why a JSON text is too large to be parsed, or `undefined`. It reads the bytes in one pass, stops at the first exceeded
 * limit and leaves syntax errors to the parser.
 */
export function structureProblem(json: Uint8Array): string | undefined {
  let depth = 0
  let values = 1
  for (let at = 0; at < json.length; at++) {
    switch (json[at] ?? 0) {
      case quote:
        at = findStringEnd(json, at)
        break
      case brace:
      case bracket:
        values++
        if (++depth > maxDepth) return `must not be nested deeper than ${shapeLimits.depth} levels`
        break
      case closingBrace:
      case closingBracket:
        depth--
        break
      case comma:
        values++
    }
    if (values > shapeLimits.values) return `must not contain more than ${shapeLimits.values} values in total`
  }
  return undefined
}

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c]
const [brace, closingBrace, bracket, closingBracket] = [0x7b, 0x7d, 0x5b, 0x5d]

/** Returns the index of the quote that ends the string beginning at `start`, or the end of the text if the string is not closed. */
function findStringEnd(json: Uint8Array, start: number): number {
  let at = start + 1
  while (at < json.length && json[at] !== quote) at += json[at] === backslash ? 2 : 1
  return at
}
