import { expect, it } from 'vitest'
import { z } from 'zod'
import { fieldMessage } from '../../../src/api/fields/messages.ts'
import { ApiError } from '../../../src/api/errors.ts'
import { validate } from '../../../src/api/fields/validate.ts'

it.each<[schema: z.ZodType, value: unknown, message: string]>([
  [z.string(), undefined, 'is required'],
  [z.string(), 1, 'must be of type string'],
  [z.int(), 1.5, 'must be of type integer'],
  [z.int(), '1', 'must be of type number'],
  [z.number(), Infinity, 'must be of type number'],
  [z.record(z.string(), z.string()), [], 'must be of type object'],
  [z.tuple([z.string()]), {}, 'must be of type array'],
  [z.enum(['a', 'b']), 'c', 'must be one of a, b'],
  [z.literal('a'), 'c', 'must be one of a'],
  [z.number().max(100_000), 100_001, 'must be at most 100000'],
  [z.number().lt(5), 5, 'must be less than 5'],
  [z.number().min(1), 0, 'must be at least 1'],
  [z.number().gt(0), 0, 'must be greater than 0'],
  [z.string().max(2), 'abc', 'must have at most 2 characters'],
  [z.string().min(1), '', 'must not be empty'],
  [z.string().length(2), 'a', 'must have exactly 2 characters'],
  [z.array(z.string()).max(1), ['a', 'b'], 'must have at most 1 item'],
  [z.array(z.string()).min(2), ['a'], 'must have at least 2 items'],
  [z.tuple([z.string(), z.string()]), ['a', 'b', 'c'], 'must have at most 2 items'],
  [z.email(), 'x', 'must be an email address'],
  [z.url(), 'x', 'must be a URL'],
  [z.guid(), 'x', 'must be a UUID'],
  [z.iso.datetime(), 'x', 'must be an ISO 8601 timestamp such as 2026-01-31T12:00:00Z'],
  [z.ipv4(), 'x', 'must be a valid ipv4'],
  [z.string().regex(/^a$/), 'b', 'must match /^a$/'],
  [z.string().startsWith('a'), 'b', 'must start with a'],
  [z.string().endsWith('a'), 'b', 'must end with a'],
  [z.string().includes('a'), 'b', 'must contain a'],
  [z.number().multipleOf(5), 3, 'must be a multiple of 5'],
  [z.union([z.string(), z.boolean()]), 1, 'does not match any of the allowed forms'],
  [
    z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })]),
    { kind: 'c' },
    'must be one of a, b',
  ],
  [z.record(z.string().max(1), z.string()), { abc: '' }, 'must have at most 1 character'],
  [z.set(z.string()).min(2), new Set(['a']), 'must have at least 2 items'],
  [z.map(z.string(), z.string()), new Map([['a', 1]]), 'must be of type string'],
  [z.custom(() => false), 1, 'is invalid'],
  [z.string().max(2, 'is a text of its own'), 'abc', 'is a text of its own'],
])('%#. %o', (schema, value, message) => {
  expect(messages(schema, value)).toEqual([message])
})

it('an unknown field is named by its path, and by its name where only the text is shown', () => {
  const schema = z.strictObject({ a: z.string().optional() })
  expect(messages(schema, { b: 1, c: 2 })).toEqual(['is not a known field', 'is not a known field'])
  const { error } = schema.safeParse({ b: 1, c: 2 }, { error: fieldMessage })
  expect(error?.issues[0]?.message).toBe('has unknown fields: b, c')
})

function messages(schema: z.ZodType, value: unknown): string[] {
  try {
    validate(schema, value)
    return []
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return (error.errors ?? []).map(({ message }) => message)
  }
}
