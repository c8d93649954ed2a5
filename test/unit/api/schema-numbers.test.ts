import { describe, expect, it } from 'vitest'
import { checkData } from '../../../src/api/event-types/schema/check.ts'
import { isMultipleOf } from '../../../src/api/event-types/schema/multiples.ts'
import type { JsonObject } from '../../../src/domain/event.ts'
import { ExactNumber } from '../../../src/domain/json/exact-number.ts'
import { parseKeepingText } from '../../../src/domain/json/json-text.ts'

const problems = (schema: JsonObject, number: string) =>
  checkData({ properties: { n: schema } }, parseKeepingText(`{"n":${number}}`), 'data')

describe('a schema compares numbers exactly', () => {
  it.each([
    [{ maximum: 9007199254740992 }, '9007199254740992.0', '9007199254740993'],
    [{ minimum: 9007199254740994 }, '9007199254740994', '9007199254740993'],
    [{ exclusiveMinimum: 9007199254740992 }, '9007199254740993', '9007199254740992'],
    [{ exclusiveMaximum: 9007199254740994 }, '9007199254740993', '9007199254740994'],
    [{ type: 'number', minimum: 1 }, '1e400', '-1e400'],
    [{ const: 9007199254740992 }, '9007199254740992.00', '9007199254740993'],
    [{ enum: [10, '10.5'] }, '10.00', '10.50'],
    [{ type: 'integer' }, '1.0', '9007199254740993.5'],
    [{ type: 'integer' }, '1e400', '1e-400'],
    [{ multipleOf: 0.01 }, '19.990', '19.9900000000000000001'],
    [{ uniqueItems: true }, '[9007199254740993,9007199254740992]', '[1.0,1]'],
    [
      { items: { properties: { 'a/b~': { const: { c: [1] } } } } },
      '[{"a/b~":{"c":[1.0]}}]',
      '[{"a/b~":{"c":[1.01]}}]',
    ],
    [{ propertyNames: { enum: ['a'] } }, '{"a":1.0}', '{"b":1.0}'],
    [{ anyOf: [{ const: 1 }, { const: 3 }] }, '1.0', '2.0'],
  ] as [JsonObject, string, string][])('%j', (schema, fits, doesNot) => {
    expect(problems(schema, fits)).toEqual([])
    expect(problems(schema, doesNot)).not.toEqual([])
  })

  it('and says what is wrong as of other data', () => {
    expect(problems({ maximum: 5 }, '5.10')).toEqual([{ path: 'data.n', message: 'must be <= 5' }])
    expect(problems({ enum: [1, 2] }, '3.0')).toEqual([{ path: 'data.n', message: 'must be one of 1, 2' }])
    expect(problems({ const: { a: 1 } }, '3.0')).toEqual([{ path: 'data.n', message: 'must be {"a":1}' }])
    expect(problems({ multipleOf: 2 }, '3.0')).toEqual([{ path: 'data.n', message: 'must be multiple of 2' }])
  })
})

describe('isMultipleOf', () => {
  it.each([
    ['19.99', 0.01, true],
    ['-19.99', 0.01, true],
    ['19.995', 0.01, false],
    ['0', 7, true],
    ['0.000', 7, true],
    ['7e999999999', 7, true],
    ['8e999999999', 7, false],
    ['1e-999999999', 7, false],
    [`1e${'9'.repeat(400)}`, 7, false],
    ['12000', 1e3, true],
    ['12100', 1e3, false],
  ])('%s of %s', (value, divisor, isOne) => {
    expect(isMultipleOf(new ExactNumber(value), divisor)).toBe(isOne)
  })
})
