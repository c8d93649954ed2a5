/**
 * Where a parsed value keeps the JSON text that it was parsed from. No JSON can forge a symbol, and copies of the value do not
 * have it: a changed copy is never taken for the original.
 */
const textKey = Symbol('JSON text')

/** Keeps the JSON text that an object or array was parsed from. */
export function keepText<Value>(value: Value, text: string): Value {
  if (typeof value === 'object' && value !== null)
    Object.defineProperty(value, textKey, { value: text, configurable: true })
  return value
}

/** The text that a value was parsed from, if it keeps that. */
export function keptText(value: object): string | undefined {
  return (value as { [textKey]?: string })[textKey]
}

/** The texts of the items of a JSON array. The JSON must be valid. */
export function itemTexts(json: string): string[] {
  return [...membersIn(json)].map(({ text }) => text)
}

/** The members of a JSON object, or the items of an array, with their texts; nested values are not read. The JSON must be valid. */
export function* membersIn(json: string): Generator<{ name?: string; text: string }> {
  let at = skipSpace(json, 0)
  const isObject = json[at] === '{'
  if (!isObject && json[at] !== '[') return
  at = skipSpace(json, at + 1)
  while (at < json.length && json[at] !== '}' && json[at] !== ']') {
    let name: string | undefined
    if (isObject) {
      const nameEnd = stringEnd(json, at)
      name = JSON.parse(json.slice(at, nameEnd)) as string
      at = skipSpace(json, skipSpace(json, nameEnd) + 1)
    }
    const end = valueEnd(json, at)
    yield { name, text: json.slice(at, end) }
    at = skipSpace(json, end)
    if (json[at] === ',') at = skipSpace(json, at + 1)
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

/** Iterative, since arrays may be nested 100,000 levels deep. */
function containerEnd(json: string, start: number): number {
  const next = /["[\]{}]/g
  next.lastIndex = start
  let depth = 0
  for (let found = next.exec(json); found; found = next.exec(json)) {
    if (found[0] === '"') next.lastIndex = stringEnd(json, found.index)
    else depth += found[0] === '{' || found[0] === '[' ? 1 : -1
    if (depth === 0) return next.lastIndex
  }
  return json.length
}

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
