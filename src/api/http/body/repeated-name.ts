/**
 * Returns the path of the first duplicate key in a JSON text, or `undefined`. The text must be valid JSON. `JSON.parse` keeps the
 * last duplicate and a receiver's parser may keep the first, but a receiver must read what was checked here.
 */
export function repeatedName(json: string): string | undefined {
  const open: Container[] = []
  for (let at = 0; at < json.length; at++) {
    const container = open.at(-1)
    switch (json.charCodeAt(at)) {
      case quote: {
        const end = endOfText(json, at)
        if (container?.expectsName === true) {
          const name = JSON.parse(json.slice(at, end + 1)) as string
          if (container.names.has(name)) return pathTo(open, name)
          container.names.add(name)
          container.expectsName = false
          container.last = name
        }
        at = end
        break
      }
      case brace:
        open.push({ names: new Set(), expectsName: true, last: '' })
        break
      case bracket:
        open.push({ names: noNames, expectsName: false, last: 0 })
        break
      case comma:
        if (typeof container?.last === 'number') container.last++
        else if (container) container.expectsName = true
        break
      case closingBrace:
      case closingBracket:
        open.pop()
    }
  }
  return undefined
}

interface Container {
  names: Set<string>
  /** True if the next string is a key. Never true in an array. */
  expectsName: boolean
  /** The latest key or, in an array, the index. */
  last: string | number
}

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c]
const [brace, closingBrace, bracket, closingBracket] = [0x7b, 0x7d, 0x5b, 0x5d]
const noNames = new Set<string>()

/** Returns the index of the quote that ends the string beginning at `start`. */
function endOfText(json: string, start: number): number {
  let at = start + 1
  while (json.charCodeAt(at) !== quote) at += json.charCodeAt(at) === backslash ? 2 : 1
  return at
}

function pathTo(open: readonly Container[], name: string): string {
  return [...open.slice(0, -1).map(({ last }) => last), name].join('.')
}
