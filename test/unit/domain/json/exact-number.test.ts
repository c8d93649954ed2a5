import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalJson,
  compareNumbers,
  exactly,
  ExactNumber,
  type Numeric,
} from '../../../../src/domain/json/exact-number.ts'
import { parseKeepingText, stringifyExactly } from '../../../../src/domain/json/json-text.ts'

/** A number as JSON may write it. */
const numberText = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.nat().map(String), fc.bigInt(0n, 10n ** 30n).map(String)),
    fc.option(fc.stringMatching(/^\d{1,25}$/), { nil: undefined }),
    fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-'), fc.nat(400)), { nil: undefined }),
  )
  .map(([sign, whole, fraction, exponent]) =>
    [sign, whole, fraction === undefined ? '' : `.${fraction}`, exponent?.join('') ?? ''].join(''),
  )

const read = (number: string) => exactly(parseKeepingText(`{"n":${number}}`)).n as Numeric

describe('exactly', () => {
  it('writes every number as it was posted', () => {
    const isWrittenAlike = (numbers: string[]) => {
      const text = `{"list":[${numbers.join(',')}]}`
      return stringifyExactly(exactly(parseKeepingText(text))) === text
    }
    fc.assert(fc.property(fc.array(numberText), isWrittenAlike))
  })

  it.each([
    '0',
    '-1',
    '0.5',
    '0.000001',
    '9007199254740992',
    '123456789012345680000',
    '1.7976931348623157e+308',
  ])('%s is a plain number', (text) => expect(read(text)).toBe(Number(text)))

  it.each(['10.00', '-0', '0.0', '1e3', '1E400', '0.0000001', '9007199254740993', '0.1000000000000000055'])(
    '%s is shown as that',
    (text) => expect(String(read(text))).toBe(text),
  )

  it('is the payload itself where nothing in it needs more', () => {
    const data = parseKeepingText('{"id":"3e7a8b10.00","at":"2026-11-21T11:28:12.340Z","n":[1,2.5]}')
    expect(exactly(data)).toBe(data)
  })
})

describe('compareNumbers', () => {
  it.each([
    ['9007199254740993', '9007199254740992', 1],
    ['10.00', '10', 0],
    ['1e400', '1e399', 1],
    ['-1e400', '1', -1],
    ['1e-400', '0', 1],
    ['-0', '0', 0],
    ['0.1', '0.1000000000000000055', -1],
  ])('%s and %s', (a, b, order) => {
    expect(Math.sign(compareNumbers(read(a), read(b)))).toBe(order)
    expect(Math.sign(compareNumbers(read(b), read(a)))).toBe(0 - order)
  })
})

describe('canonicalJson', () => {
  const canonical = (json: string) => canonicalJson(exactly(parseKeepingText(json)))
  it.each([
    [
      'blanks and the order of keys',
      '{"b":[1, {"d":2,"c":"x"}],"a":null}',
      '{ "a":null,"b":[1,{"c":"x","d":2}] }',
    ],
    ['how a number is written', '{"n":[10.00,1e2,-0.0,1e400]}', '{"n":[10,100,0,10E399]}'],
    ['escapes', '{"n":"\\u00e9\\/"}', '{"n":"é/"}'],
  ])('does not tell apart %s', (_name, one, other) => expect(canonical(one)).toBe(canonical(other)))

  it.each([
    ['{"n":9007199254740993}', '{"n":9007199254740992}'],
    ['{"n":1}', '{"n":"1"}'],
    ['{"n":1e400}', '{"n":1e401}'],
    ['{"n":[1,2]}', '{"n":[2,1]}'],
    ['{"n":null}', '{}'],
  ])('tells apart %s and %s', (one, other) => expect(canonical(one)).not.toBe(canonical(other)))
})

it('has one constructor, which templates can only print and compare', () => {
  expect(Object.keys(new ExactNumber('1.0'))).toEqual([])
})
