import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  itemTexts,
  keepText,
  memberText,
  parseKeepingText,
  stringifyExactly,
} from '../../../../src/domain/json/json-text.ts'

const posted = '{ "b": 10.00,\n"1":9007199254740993, "a":"\\u00e9\\"}" }'

describe('stringifyExactly', () => {
  it('writes what was parsed as it was, wherever it is', () => {
    const data = parseKeepingText(posted)
    expect(stringifyExactly({ type: 'a.b', data, list: [data] })).toBe(
      `{"type":"a.b","data":${posted},"list":[${posted}]}`,
    )
  })

  it('does not write a copy as the original', () => {
    expect(stringifyExactly({ ...parseKeepingText(posted), a: 1 })).toBe(
      '{"1":9007199254740992,"b":10,"a":1}',
    )
  })

  it('writes everything else as JSON.stringify does', () => {
    const values = fc.object({ withDate: true, withNullPrototype: true })
    fc.assert(fc.property(values, (value) => stringifyExactly(value) === JSON.stringify(value)))
  })
})

describe('memberText and itemTexts', () => {
  it('give the text of each member and item', () => {
    const keys = fc.string().filter((key) => key !== '__proto__')
    const spaced = fc.tuple(fc.dictionary(keys, fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'))
    fc.assert(
      fc.property(spaced, ([object, space]) => {
        const json = ` ${JSON.stringify(object, null, space)}\n`
        for (const [name, value] of Object.entries(object))
          expect(JSON.stringify(JSON.parse(memberText(json, name) ?? ''))).toBe(JSON.stringify(value))
        const items = itemTexts(JSON.stringify(Object.values(object), null, space))
        const again = items.map((item) => JSON.parse(item) as unknown)
        expect(JSON.stringify(again)).toBe(JSON.stringify(Object.values(object)))
      }),
    )
  })

  it('look no deeper than asked, whatever is inside', () => {
    const json = `{"x":{"data":1},"event":{"data":${posted},"data2":[["]}"]]},"y":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    expect(memberText(json, 'event', 'data')).toBe(posted)
    expect(memberText(json, 'data')).toBeUndefined()
    expect(memberText(json, 'event', 'none')).toBeUndefined()
  })
})

it('keeps the text through any number of hands, and not in the value that JSON sees', () => {
  const value = keepText({ n: 1 }, '{"n":1.0}')
  expect(Object.keys(value)).toEqual(['n'])
  expect(JSON.stringify(value)).toBe('{"n":1}')
  expect(stringifyExactly([value])).toBe('[{"n":1.0}]')
})
