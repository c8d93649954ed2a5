import { expect, it } from 'vitest'
import { changedPaths } from '../../../../src/domain/json/changed-paths.ts'
import type { Json } from '../../../../src/domain/event.ts'

it.each<[what: string, before: Json, after: Json, paths: string[]]>([
  ['nothing, whatever the order of fields', { a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 }, []],
  ['a field', { a: { b: 1 }, c: 2 }, { a: { b: 2 }, c: 2 }, ['a.b']],
  ['fields that come and go', { a: 1 }, { b: 1 }, ['a', 'b']],
  ['an item, and one more', [{ a: 1 }, 2], [{ a: 2 }, 2, 3], ['0.a', '2']],
  ['another type', { a: [1] }, { a: { 0: 1 } }, ['a']],
  ['an object for null', { a: null }, { a: {} }, ['a']],
  ['a name that objects inherit', { constructor: 1 }, {}, ['constructor']],
  ['the value itself', 'a', 'b', ['']],
])('names %s', (_what, before, after, paths) => {
  expect(changedPaths(before, after, 10)).toEqual(paths)
})

it('names at most so many', () => {
  const many = Array.from({ length: 1_000 }, (_, index) => index)
  expect(
    changedPaths(
      many,
      many.map((n) => n + 1),
      3,
    ),
  ).toEqual(['0', '1', '2'])
})
