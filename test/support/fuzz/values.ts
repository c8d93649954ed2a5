import fc, { type Arbitrary } from 'fast-check'
import type { Json, JsonObject } from '../../../src/domain/event.ts'
import { isJsonObject } from '../../../src/domain/event.ts'

/** Texts that something, somewhere, reads as more than a text. */
export const oddTexts: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  'x\udfffx',
  '\u202Etxet\u202C',
  '\uFEFFbom',
  'Ζαλγο\u0489\u0489',
  '🧬'.repeat(60),
  '👩‍👩‍👧‍👦',
  'İı\u1E9Eß',
  'line\r\nX-Injected: yes',
  '%00',
  '..%2f..%2f',
  '../../etc/passwd',
  `'; DROP TABLE "Tenant"; --`,
  `\\' OR 1=1`,
  '{{ 7 | times: 7 }}{% assign',
  '${7*7}',
  '<script>alert(1)</script>',
  '<!channel> *b* `c`',
  '__proto__',
  'constructor',
  'toString',
  'NaN',
  '-0',
  '1e999',
  '0x1F',
  'null',
  'dst_',
  'dst_00000000000000000000000000',
  'evt_zzzzzzzzzzzzzzzzzzzzzzzzzz',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '(a+)+$',
  '[',
  'all',
  '*',
  '*.*.*.*',
  'a.b'.repeat(40),
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00+23:59',
  '1969-12-31T23:59:59.999Z',
  '2026-02-30T00:00:00Z',
  '2038-01-19T03:14:08Z',
  '9999-12-31T23:59:59.999999999-23:59',
  '+275760-09-13T00:00:00Z',
  '0s',
  '999999d',
  '24:00',
  'smtp://%@127.0.0.1',
  'http://a:b@127.0.0.1/',
  'http://127.0.0.1:99999/',
  'http://[::1/',
  'https://',
  'javascript:alert(1)',
  'file:///etc/passwd',
  'Mars/Olympus',
  'a@b',
  '"a b"@example.com',
  '•'.repeat(1000),
  'A'.repeat(70_000),
]

const oddNumbers: readonly number[] = [
  0,
  -0,
  -1,
  0.5,
  1e-7,
  101,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  1e21,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
]

/** An object whose own key is one that objects inherit: a literal would set the prototype. */
function withKey(key: string, value: Json): JsonObject {
  return Object.fromEntries([[key, value]])
}

function nested(levels: number, wrap: (inner: Json) => Json): Json {
  let value: Json = 1
  for (let level = 0; level < levels; level++) value = wrap(value)
  return value
}

const oddShapes: readonly Json[] = [
  null,
  true,
  false,
  [],
  {},
  [[]],
  [null],
  { '': '' },
  withKey('__proto__', { admin: true }),
  withKey('constructor', { prototype: { admin: true } }),
  { $gt: '' },
  { $where: 'sleep(1000)' },
  { $regex: '(a+)+$' },
  { $ref: '#/' },
  { length: 1e9 },
  { toJSON: 1, then: 1, valueOf: null },
  { 'a.b.c': 1, 'a[0]': 2 },
  nested(70, (inner) => [inner]),
  nested(70, (inner) => ({ a: inner })),
  nested(300, (inner) => [inner]),
  nested(300, (inner) => ({ $and: [inner] })),
  Array.from({ length: 1500 }, (_, index) => index),
  Object.fromEntries(Array.from({ length: 1500 }, (_, index) => [`k${index}`, index])),
]

const oddValues: Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...oddTexts) },
  { weight: 2, arbitrary: fc.constantFrom(...oddNumbers) },
  { weight: 3, arbitrary: fc.constantFrom(...oddShapes) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) as Arbitrary<Json> },
)

/** What is done to one place of a value. */
type Change =
  | { do: 'replace'; by: Json }
  | { do: 'remove' }
  | { do: 'add'; key: string; value: Json }
  | { do: 'wrap' }
  | { do: 'stretch'; times: number }

export interface Changed {
  /** Counts the places of the value, from the outside in. */
  place: number
  change: Change
}

const oddKeys = ['__proto__', 'constructor', 'prototype', 'unknown', 'id', 'tenantId', '$where', '', '\u0000']

export const changes: Arbitrary<Changed> = fc.record({
  place: fc.nat({ max: 200 }),
  change: fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('replace' as const), by: oddValues }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('add' as const),
        key: fc.constantFrom(...oddKeys),
        value: oddValues,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wrap' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('stretch' as const), times: fc.constantFrom(2, 30, 130) }),
    },
  ),
})

/** The value with one place of it changed; `undefined` where the whole of it was taken away. */
export function changed(value: Json | undefined, { place, change }: Changed): Json | undefined {
  const places = value === undefined ? 1 : countPlaces(value)
  return rebuild(value, place % places, change).value
}

function countPlaces(value: Json): number {
  return 1 + children(value).reduce((sum, [, inner]) => sum + countPlaces(inner), 0)
}

function children(value: Json): [string, Json][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

/** `left` is how many places are still to be passed; it is below zero once the change was made. */
function rebuild(
  value: Json | undefined,
  left: number,
  change: Change,
): { value: Json | undefined; left: number } {
  if (left === 0) return { value: applied(value, change), left: -1 }
  if (typeof value !== 'object' || value === null) return { value, left: left - 1 }
  let rest = left - 1
  const entries = children(value).flatMap(([key, inner]): [string, Json][] => {
    if (rest < 0) return [[key, inner]]
    const done = rebuild(inner, rest, change)
    rest = done.left
    return done.value === undefined ? [] : [[key, done.value]]
  })
  const rebuilt = Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries)
  return { value: rebuilt, left: rest }
}

function applied(value: Json | undefined, change: Change): Json | undefined {
  switch (change.do) {
    case 'replace':
      return change.by
    case 'remove':
      return undefined
    case 'add':
      return isJsonObject(value)
        ? Object.fromEntries([...Object.entries(value), [change.key, change.value]])
        : withKey(change.key, change.value)
    case 'wrap':
      return [value ?? null]
    case 'stretch':
      return stretched(value ?? null, change.times)
  }
}

function stretched(value: Json, times: number): Json {
  if (typeof value === 'string') return value.repeat(value.length > 2000 ? 2 : times)
  if (typeof value === 'number') return value * -times
  if (Array.isArray(value) && value.length < 200) return Array.from({ length: times }, () => value).flat()
  return [value, value]
}
