import { expect, it } from 'vitest'
import type { Event, JsonObject } from '../../../../src/domain/event.ts'
import { createRedaction } from '../../../../src/domain/redaction/payload.ts'
import type { Timeline } from '../../../../src/domain/delivery/timeline.ts'

const hidden = '[redacted]'
const shown = (data: JsonObject, ...paths: string[]) => createRedaction({ type: 'a.b', data }, paths).data

it.each<[string, JsonObject, string[], JsonObject]>([
  ['a value', { document: { number: 'X1', type: 'P' } }, ['data.document.number'], { document: { number: hidden, type: 'P' } }],
  ['an object as a whole', { a: { b: 1 }, c: 2 }, ['data.a'], { a: hidden, c: 2 }],
  ['values that say nothing', { a: null, b: '', c: false, d: 0 }, ['data.a', 'data.b', 'data.c', 'data.d'], { a: hidden, b: hidden, c: hidden, d: hidden }],
  ['each item of a list', { people: [{ name: 'A' }, { name: 'B', age: 3 }] }, ['data.people.name'], { people: [{ name: hidden }, { name: hidden, age: 3 }] }],
  ['items of lists in lists', { a: [[{ b: 1 }], { b: 2 }] }, ['data.a.b'], { a: [[{ b: hidden }], { b: hidden }] }],
  ['one item by its place', { a: [{ b: 1 }, { b: 2 }] }, ['data.a.1.b'], { a: [{ b: 1 }, { b: hidden }] }],
  ['every item', { a: ['x', 'y'] }, ['data.a.*'], { a: [hidden, hidden] }],
  ['any name', { a: { x: { n: 1 }, y: { n: 2, m: 3 } } }, ['data.a.*.n'], { a: { x: { n: hidden }, y: { n: hidden, m: 3 } } }],
  ['everything', { a: 1, b: { c: 2 } }, ['data.*'], { a: hidden, b: hidden }],
  ['a name with full stops in it', { 'document.number': 'X', document: { number: 'Y' } }, ['data.document.number'], { 'document.number': hidden, document: { number: hidden } }],
  ['one path inside of another', { a: { b: 1, c: 2 } }, ['data.a', 'data.a.b'], { a: hidden }],
  ['nothing where the path leads nowhere', { a: { b: 1 }, c: 'a.b' }, ['data.b', 'data.a.b.c', 'data.c.x'], { a: { b: 1 }, c: 'a.b' }],
  ['no other name that begins so', { number: 1, numbers: 2 }, ['data.number'], { number: hidden, numbers: 2 }],
])('%s is redacted', (_what, data, paths, expected) => {
  expect(shown(data, ...paths)).toEqual(expected)
}) // prettier-ignore

it('what a digest tells of is redacted like the events themselves, digests among them, too, and so is what they have in common', () => {
  const inner = {
    id: 'evt_2',
    createdAt: 'x',
    type: 'digest',
    data: { events: [{ id: 'evt_1', data: { ssn: '1234', n: 1 } }] },
  }
  const data = {
    by: 'data.ssn',
    key: '1234',
    count: 1,
    events: [inner, { id: 'evt_3', data: { ssn: '9', n: 2 } }],
  }
  expect(shown(data, 'data.ssn')).toEqual({
    by: 'data.ssn',
    key: hidden,
    count: 1,
    events: [
      { ...inner, data: { events: [{ id: 'evt_1', data: { ssn: hidden, n: 1 } }] } },
      { id: 'evt_3', data: { ssn: hidden, n: 2 } },
    ],
  })
  expect(shown({ ...data, events: [] }, 'data.other')).toMatchObject({ key: '1234' })
})

const event: Pick<Event, 'type' | 'data'> = {
  type: 'a.b',
  data: {
    document: { number: 'L01X00T47', pages: 12 },
    serial: 4711,
    country: 'DE',
    long: 'x'.repeat(80),
    safe: 'kept-value',
  },
}
const paths = ['data.document', 'data.serial', 'data.country', 'data.long']

it.each([
  ['as it stands', 'number L01X00T47 is unknown', 'number [redacted] is unknown'],
  ['a number', '{"serial":4711}', '{"serial":[redacted]}'],
  ['in base64', btoa('L01X00T47'), hidden],
  ['cut short at the end of an excerpt', 'no such document: L01X0', 'no such document: [redacted]'],
  [
    'as the key of what waits, short as it is',
    'waits for data.country = "DE"',
    'waits for data.country = [redacted]',
  ],
  ['as a key that is cut short', `held: data.long = "${'x'.repeat(63)}…`, 'held: data.long = [redacted]'],
  ['and nothing else', 'kept-value in DE', 'kept-value in DE'],
])('a quotation loses the value %s', (_what, text, expected) => {
  expect(createRedaction(event, paths).text(text)).toBe(expected)
})

it('a log loses it in every text that may quote the event, and keeps the rest', () => {
  const number = 'L01X00T47'
  const attempt = { number: 1, at: 'x', durationMs: 5, outcome: 'failed' as const, responseCode: 422 }
  const quoting = (text: string) => ({
    responseExcerpt: text,
    error: `HTTP 422: ${text}`,
    templateFault: text,
  })
  const log = (text: string): Timeline => ({
    status: 'failed',
    reason: `ended: ${text}`,
    deliveries: [
      {
        destinationId: 'dst_1',
        channel: 'webhook',
        status: 'failed',
        reason: `given up: ${text}`,
        attempts: [{ ...attempt, ...quoting(text) }],
      },
    ],
    routing: [{ ruleId: 'rul_1', version: 1, name: 'x', matched: true, reason: `throttled for ${text}` }],
    steps: [{ path: 'rul_1/0', kind: 'delay', status: 'done', reason: text, at: 'x' }],
  })
  const { timeline } = createRedaction(event, paths)
  expect(timeline(log(number))).toEqual(log(hidden))
  expect(timeline(log('fine'))).toEqual(log('fine'))
})

it('with too many values to look for, no quotation is shown', () => {
  const data = { list: Array.from({ length: 300 }, (_, n) => `value-${n}`) }
  expect(createRedaction({ type: 'a.b', data }, ['data.list']).text('it says value-7')).toBe(hidden)
})

it('without paths, or without what they name, everything is as it was', () => {
  const redaction = createRedaction(event, ['data.absent'])
  expect(redaction).toMatchObject({ data: event.data, found: false })
  expect(redaction.text('L01X00T47')).toBe('L01X00T47')
})
