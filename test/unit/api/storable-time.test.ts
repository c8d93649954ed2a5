import { expect, it } from 'vitest'
import { storableTime } from '../../../src/api/fields/text.ts'

it.each([
  '2026-01-31T12:00:00Z',
  '2026-01-31T12:00:00.123456789+05:45',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
])('accepts %s', (text) => {
  expect(storableTime.safeParse(text).success).toBe(true)
})

it.each([
  ['9999-12-31T23:59:59.999-23:59', 'must be in the years 1 to 9999, in UTC'],
  ['0001-01-01T00:00:00+00:01', 'must be in the years 1 to 9999, in UTC'],
  ['0000-06-01T00:00:00Z', 'must be in the years 1 to 9999, in UTC'],
  ['2026-02-30T00:00:00Z', 'must be an ISO 8601 timestamp such as 2026-01-31T12:00:00Z'],
])('refuses %s', (text, message) => {
  expect(storableTime.safeParse(text).error?.issues.map((issue) => issue.message)).toEqual([message])
})
