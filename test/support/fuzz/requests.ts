import { gzipSync } from 'node:zlib'
import fc, { type Arbitrary } from 'fast-check'
import type { Json, JsonObject } from '../../../src/domain/event.ts'
import { isJsonObject } from '../../../src/domain/event.ts'
import type { Route } from '../../../src/api/http/route.ts'
import type { Call } from '../routes/every-route.ts'
import { changed, changes, oddTexts } from './values.ts'
import type { WireRequest } from '../sender.ts'
import { validValues, type FieldValues } from './schema-arbitrary.ts'

/** What requests are made by. */
export type FuzzedRoute = Pick<Route, 'method' | 'path' | 'query' | 'body'>

/** Requests of one route: valid, almost valid, and garbage. `calls` are valid ones, which the others are made of as well. */
export function requestsOf(
  { base, route }: { base: string; route: FuzzedRoute },
  calls: readonly Call[],
  fields: FieldValues,
): Arbitrary<WireRequest> {
  const path = base + route.path
  return fc
    .record({
      path: targets(path, calls),
      query: queries(route, calls, fields),
      body: bodies(route, calls, fields),
      headers: oddHeaders,
    })
    .map(({ path, query, body: { bytes, headers: ofBody }, headers }) => ({
      method: route.method.toUpperCase(),
      target: query === '' ? path : `${path}?${query}`,
      headers: { ...ofBody, ...headers },
      body: bytes,
      [fc.toStringMethod]: () => describe(route.method, `${path}?${query}`, { ...ofBody, ...headers }, bytes),
    }))
}

/** For whoever has to make the request again: what is not plain ASCII is escaped, and what is very long is cut off. */
function describe(method: string, target: string, headers: object, bytes: Buffer | undefined): string {
  const shown = JSON.stringify((bytes ?? Buffer.alloc(0)).toString('latin1'))
  const body = shown.length > 4000 ? `${shown.slice(0, 4000)}… (${bytes?.length} bytes)` : shown
  return `${method.toUpperCase()} ${target.slice(0, 2000)} ${JSON.stringify(headers)} ${body}`
}

const rawSegments = [
  '%00',
  '%E0%A4%A',
  '..%2f..%2f',
  '%2e%2e',
  '%',
  '%ff',
  'a%20b',
  '.',
  '..',
  '%F0%9F%A7%AC',
]

/** What stands in the place of an id. None is empty: without one, it would be another route. */
const oddSegments: Arbitrary<string> = fc.oneof(
  fc.constantFrom(...rawSegments),
  fc
    .constantFrom(...oddTexts.filter((text) => text !== '' && text.length < 2000), 'x'.repeat(10_000))
    .map(encoded),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map(encoded),
)

/** Half a surrogate pair has no UTF-8: it stands there as the bytes that it would be. */
function encoded(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : '%ED%A0%80'
}

function targets(path: string, calls: readonly Call[]): Arbitrary<string> {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  const values = names.map((name) => {
    const known = calls.map(({ params = {} }) => encodeURIComponent(params[name] ?? ''))
    return fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...known) },
      { weight: 1, arbitrary: oddSegments },
    )
  })
  return fc.tuple(...values).map((segments) => {
    const left = [...segments]
    return path.replace(/:\w+/g, () => left.shift() ?? '')
  })
}

const rawQueries = [
  'a[b]=c',
  '__proto__=1',
  '%',
  '%E0%A4%A=1',
  '=',
  '&&&',
  'limit=1&limit=2',
  'cursor=%00',
  '?',
]

function queries(route: FuzzedRoute, calls: readonly Call[], fields: FieldValues): Arbitrary<string> {
  const known = calls.map(({ query = {} }) => query as JsonObject)
  const valid = route.query ? validValues(route.query, fields) : fc.constant({})
  const given = fc.oneof(fc.constantFrom(...known), valid)
  return fc
    .tuple(given, fc.oneof(fc.constant([]), fc.array(changes, { maxLength: 2 })), oddQuery)
    .map(([value, changing, more]) => {
      const query = changing.reduce<Json | undefined>(changed, value)
      return [isJsonObject(query) ? written(query) : '', more].filter(Boolean).join('&')
    })
}

const oddQuery = fc.oneof(
  { weight: 9, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom(...rawQueries, `a=${'b'.repeat(9000)}`) },
)

/** Longer ones are refused by Node's parser before we see them. */
const targetMax = 12_000

function written(query: JsonObject): string {
  const parts = Object.entries(query).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return `${encoded(name)}=${encoded(text)}`
  })
  return parts
    .filter((part) => part.length < targetMax / 4)
    .slice(0, 4)
    .join('&')
}

interface Body {
  bytes: Buffer | undefined
  headers: Record<string, string>
}

const json = { 'content-type': 'application/json' }

function bodies(route: FuzzedRoute, calls: readonly Call[], fields: FieldValues): Arbitrary<Body> {
  const none = fc.constant<Body>({ bytes: undefined, headers: {} })
  if (!route.body)
    return fc.oneof({ weight: 5, arbitrary: none }, { weight: 1, arbitrary: garbage(fc.constant({})) })
  const known = calls.map(({ body = {} }) => body as JsonObject)
  const valid = fc.oneof(fc.constantFrom(...known), validValues(route.body, fields))
  return fc.oneof(
    { weight: 2, arbitrary: valid.map(asJson) },
    { weight: 8, arbitrary: almost(valid) },
    { weight: 3, arbitrary: garbage(valid) },
    { weight: 1, arbitrary: none },
  )
}

function almost(valid: Arbitrary<Json>): Arbitrary<Body> {
  return fc
    .tuple(valid, fc.array(changes, { minLength: 1, maxLength: 3 }))
    .map(([value, changing]) => asJson(changing.reduce<Json | undefined>(changed, value)))
}

function asJson(value: Json | undefined): Body {
  return { bytes: value === undefined ? undefined : Buffer.from(JSON.stringify(value)), headers: json }
}

/** Twenty megabytes, once it is unpacked. */
const bomb = gzipSync(Buffer.alloc(20_000_000, ' '))

/** What is done to the text of a body. */
const spoilings: ((text: string) => Body)[] = [
  (text) => plain(text.slice(0, text.length / 2)),
  (text) => plain(`${text}${text}`),
  (text) => plain(`\uFEFF${text}`),
  (text) => plain(text.replace(/\d+/, '1e400')),
  (text) => plain(text.replace(/\d+/, '12345678901234567890')),
  (text) => plain(text.replace(/"[^"]*"/, 'NaN')),
  (text) => plain(text.replaceAll('"', "'")),
  (text) =>
    plain(text.replace('{', '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},')),
  (text) => plain(text.replace(/"(\w+)":/, '"$1":0,"$1":')),
  (text) => plain('['.repeat(100_000) + text),
  (text) => plain('{"a":'.repeat(100_000) + text),
  () => plain(`"${'x'.repeat(300_000)}"`),
  (text) => plain(text.padEnd(1_200_000)),
  () => plain(''),
  () => plain('null'),
  () => plain('0'),
  () => plain('"text"'),
  () => ({ bytes: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x80, 0x22, 0x3a, 0x31, 0x7d]), headers: json }),
  (text) => ({
    bytes: Buffer.from(text, 'utf16le'),
    headers: { 'content-type': 'application/json; charset=utf-16' },
  }),
  (text) => typed(text, 'application/json; charset=x-none'),
  (text) => typed(text, 'text/plain'),
  (text) => typed(text, 'application/x-www-form-urlencoded'),
  (text) => typed(text, 'multipart/form-data; boundary=x'),
  (text) => typed(text, '/;=,'),
  (text) => typed(text, 'application/yaml'),
  () => typed('a: &a [*a]\nb: !!js/function "1"\n? [c]\n: d', 'application/yaml'),
  () => typed('- '.repeat(5000), 'text/yaml'),
  (text) => ({ bytes: gzipSync(text), headers: { ...json, 'content-encoding': 'gzip' } }),
  (text) => ({ bytes: gzipSync(text).subarray(0, 12), headers: { ...json, 'content-encoding': 'gzip' } }),
  () => ({ bytes: bomb, headers: { ...json, 'content-encoding': 'gzip' } }),
  (text) => ({ bytes: Buffer.from(text), headers: { ...json, 'content-encoding': 'gzip' } }),
  (text) => ({ bytes: Buffer.from(text), headers: { ...json, 'content-encoding': 'br' } }),
  (text) => ({ bytes: Buffer.from(text), headers: { ...json, 'content-encoding': 'zstd, gzip' } }),
]

function plain(text: string): Body {
  return { bytes: Buffer.from(text), headers: json }
}

function typed(text: string, type: string): Body {
  return { bytes: Buffer.from(text), headers: { 'content-type': type } }
}

function garbage(valid: Arbitrary<Json>): Arbitrary<Body> {
  const spoilt = fc
    .tuple(valid, fc.constantFrom(...spoilings))
    .map(([value, spoil]) => spoil(JSON.stringify(value)))
  const bytes = fc
    .uint8Array({ maxLength: 200 })
    .map((bytes): Body => ({ bytes: Buffer.from(bytes), headers: json }))
  return fc.oneof({ weight: 5, arbitrary: spoilt }, { weight: 1, arbitrary: bytes })
}

const headerSets: Record<string, string>[] = [
  { 'idempotency-key': '' },
  { 'idempotency-key': 'a b' },
  { 'idempotency-key': 'k'.repeat(256) },
  { 'idempotency-key': 'again' },
  { 'idempotency-key': '\u00e9' },
  { accept: 'application/yaml' },
  { accept: 'image/png' },
  { accept: ';;;,,,q=' },
  { 'accept-encoding': 'gzip;q=x' },
  { origin: 'null' },
  { origin: 'https://elsewhere.example', 'access-control-request-method': 'DELETE' },
  { cookie: 'session=%E0%A4%A; __proto__=1' },
  { 'x-forwarded-for': `${'1.2.3.4, '.repeat(200)}'` },
  { 'x-http-method-override': 'DELETE' },
  { 'if-none-match': '*' },
  { range: 'bytes=0-,5-1' },
  { host: 'elsewhere.example' },
  { authorization: 'Bearer' },
  { authorization: `Bearer sk_test_${'\u00e9'.repeat(20)}` },
  { authorization: `Bearer ${'a'.repeat(5000)}` },
  { authorization: 'Basic Og==' },
  { authorization: '', 'x-api-key': '__proto__' },
]

/** Mostly none. What is here takes the place of the key, where it names one. */
const oddHeaders: Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constantFrom(...headerSets) },
)
