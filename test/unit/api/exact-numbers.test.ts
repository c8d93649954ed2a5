import fc from 'fast-check'
import { expect, it } from 'vitest'
import { unkeptNumbers } from '../../../src/api/fields/exact-numbers.ts'

const paths = (json: string) => unkeptNumbers(json).map(({ path }) => path.join('.'))

it.each([
  '9007199254740993', '-9007199254740993', '12345678901234567890', '1e400', '-1e400', '1.5e309', '1e-400', '123456789012345678901',
  '9007199254740993.0', '9.007199254740993e15', '900719925474099.3e1',
])('%s is not kept, and is named with its path', (number) => {
  expect(paths(`{"data":{"list":[0,{"a.b":${number}}]}}`)).toEqual(['data.list.1.a.b'])
}) // prettier-ignore

it.each([
  '9007199254740992', '100000000000000000000', '123456789012345680000', '1e21', '1.7976931348623157e308', '5e-324', '-0', '0e400', '0.0',
  '0.1', '3.14159265358979323846', '"12345678901234567890"', '"1e400"',
])('%s is kept', (number) => {
  expect(paths(`{"data":[${number}]}`)).toEqual([])
}) // prettier-ignore

it('names every one of them', () => {
  expect(paths('{"a":12345678901234567890,"b":{"c":1e999},"d":1}')).toEqual(['a', 'b.c'])
})

it('leaves what is no JSON, has a key twice or is nested without end to who parses it', () => {
  expect(paths('{"a":12345678901234567890')).toEqual([])
  expect(paths('{"a":1e400,"a":1}')).toEqual([])
  expect(paths(`${'['.repeat(100_000)}1e400${']'.repeat(100_000)}`)).toEqual([])
})

it('finds nothing in what JSON.stringify wrote', () => {
  const noneIn = (json: string) => paths(json).length === 0
  fc.assert(fc.property(fc.json(), noneIn))
  const doubles = fc.double({ noNaN: true, noDefaultInfinity: true })
  fc.assert(fc.property(fc.array(doubles), (numbers) => noneIn(JSON.stringify(numbers))))
})
