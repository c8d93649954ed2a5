import type { JsonObject } from '../event.ts'

/**
 * The symbol under which a parsed value keeps its JSON text. JSON cannot forge a symbol, and copies of a value do not have it, so
 * a changed copy is never taken for the original. It is registered globally because Temporal's SDK loads this module a second
 * time.
 */
export const textKey = Symbol.for('switchyard.jsonText')

/** Parses an object and keeps its text, so that `stringifyExactly` reproduces every digit, space and key. */
export function parseKeepingText(text: string): JsonObject {
  return keepText(JSON.parse(text) as JsonObject, text)
}

/** Keeps the JSON text that an object or array was parsed from. */
export function keepText<Value>(value: Value, text: string): Value {
  if (typeof value === 'object' && value !== null)
    Object.defineProperty(value, textKey, { value: text, configurable: true })
  return value
}

/** The text that a value was parsed from, if it has one. */
export function keptText(value: object): string | undefined {
  return (value as { [textKey]?: string })[textKey]
}

/** The text that an object was parsed from, or else its JSON. */
export function jsonText(value: object): string {
  return keptText(value) ?? stringifyExactly(value)
}

/** Like `JSON.stringify`, but values that keep their text are written as that text. */
export function stringifyExactly(value: unknown): string {
  return write(value) ?? 'null'
}

/** Returns `undefined` for values that JSON omits, such as `undefined` itself. */
function write(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const text = keptText(value)
  if (text !== undefined) return text
  if (Array.isArray(value)) return `[${value.map((item) => write(item) ?? 'null').join(',')}]`
  if ('toJSON' in value && typeof value.toJSON === 'function') return JSON.stringify(value)
  const members = Object.entries(value).flatMap(([name, inner]) => {
    const written = write(inner)
    return written === undefined ? [] : [`${JSON.stringify(name)}:${written}`]
  })
  return `{${members.join(',')}}`
}

/** The text of one member of a JSON object, by its path. The JSON must be valid. */
export function memberText(json: string, ...path: string[]): string | undefined {
  let start = skipSpace(json, 0)
  for (const name of path) {
    const found = findMember(json, start, name)
    if (found === undefined) return undefined
    start = found
  }
  return json.slice(start, valueEnd(json, start))
}

/** Returns the index at which the value of a member begins, without reading that value. */
function findMember(json: string, objectStart: number, name: string): number | undefined {
  for (const member of membersFrom(json, objectStart)) if (member.name === name) return member.start
  return undefined
}

/** The texts of the items of a JSON array. The JSON must be valid. */
export function itemTexts(json: string): string[] {
  return [...membersIn(json)].map(({ text }) => text)
}

interface Member {
  /** Absent for the items of an array. */
  name: string | undefined
  /** The index at which its value begins. */
  start: number
  /** Its value's text, which is not looked for until it is read. */
  readonly text: string
}

/** The members of a JSON object, or the items of an array; nested values are not read. The JSON must be valid. */
export function membersIn(json: string): Generator<Member> {
  return membersFrom(json, skipSpace(json, 0))
}

function* membersFrom(json: string, start: number): Generator<Member> {
  const isObject = json[start] === '{'
  if (!isObject && json[start] !== '[') return
  let at = skipSpace(json, start + 1)
  while (at < json.length && json[at] !== '}' && json[at] !== ']') {
    let name: string | undefined
    if (isObject) {
      const nameEnd = stringEnd(json, at)
      name = JSON.parse(json.slice(at, nameEnd)) as string
      at = skipSpace(json, skipSpace(json, nameEnd) + 1)
    }
    const member = memberAt(json, at, name)
    yield member
    at = skipSpace(json, at + member.text.length)
    if (json[at] === ',') at = skipSpace(json, at + 1)
  }
}

function memberAt(json: string, start: number, name: string | undefined): Member {
  let text: string | undefined
  return {
    name,
    start,
    get text() {
      return (text ??= json.slice(start, valueEnd(json, start)))
    },
  }
}

function skipSpace(json: string, from: number): number {
  return matchAt(/[ \t\n\r]*/y, json, from)
}

function valueEnd(json: string, start: number): number {
  const first = json[start]
  if (first === '"') return stringEnd(json, start)
  return first === '{' || first === '[' ? containerEnd(json, start) : matchAt(/[^,\]} \t\n\r]*/y, json, start)
}

/** Iterative, because arrays may be nested 100,000 levels deep. */
function containerEnd(json: string, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case quote:
        at = stringEnd(json, at) - 1
        break
      case brace:
      case bracket:
        depth++
        break
      case closingBrace:
      case closingBracket:
        if (--depth === 0) return at + 1
    }
  }
  return json.length
}

const quote = 0x22
const [brace, closingBrace, bracket, closingBracket] = [0x7b, 0x7d, 0x5b, 0x5d]

/** The index after the string that begins at `start`. */
function stringEnd(json: string, start: number): number {
  let quote = json.indexOf('"', start + 1)
  while (isEscaped(json, quote)) quote = json.indexOf('"', quote + 1)
  return quote + 1
}

function isEscaped(json: string, at: number): boolean {
  let first = at
  while (json[first - 1] === '\\') first--
  return (at - first) % 2 === 1
}

function matchAt(pattern: RegExp, json: string, from: number): number {
  pattern.lastIndex = from
  return pattern.test(json) ? pattern.lastIndex : json.length
}
