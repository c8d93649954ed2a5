import { expect, it } from 'vitest'
import { isMultipleOf } from '../../../src/api/event-types/schema/multiples.ts'

it.each<[value: number, divisor: number]>([
  [19.99, 0.01], [0.3, 0.1], [1.1, 0.1], [4.35, 0.01], [-19.99, 0.01], [0, 0.01], [123456789012.34, 0.01], [1e21, 7e20 / 7],
  [9007199254740991, 1], [1e308, 1e-300], [5e-324, 5e-324], [1e-7, 1e-8], [6, 3],
])('%d is a multiple of %d', (value, divisor) => {
  expect(isMultipleOf(value, divisor)).toBe(true)
}) // prettier-ignore

it.each<[value: number, divisor: number]>([
  [19.999, 0.01], [19.9900000001, 0.01], [123456789012.345, 0.01], [0.1, 0.3], [7, 3], [-7, 3], [1e-8, 1e-7], [1.5e21 + 2 ** 18, 1e20],
  [Infinity, 1],
])('%d is no multiple of %d', (value, divisor) => {
  expect(isMultipleOf(value, divisor)).toBe(false)
}) // prettier-ignore
