import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../../src/domain/event.ts'
import { payloadFields } from '../../../../src/domain/json/payload-fields.ts'

describe('a payload as lines', () => {
  it.each<[what: string, data: JsonObject, lines: string[]]>([
    ['nothing', {}, []],
    [
      'plain values',
      { a: 'x', b: 1, c: 0.5, d: true, e: false },
      ['a: x', 'b: 1', 'c: 0.5', 'd: true', 'e: false'],
    ],
    ['its own order', { z: 1, a: 2, m: 3 }, ['z: 1', 'a: 2', 'm: 3']],
    ['nested objects', { a: { b: { c: 1 }, d: 2 } }, ['a.b.c: 1', 'a.d: 2']],
    ['a list of plain values', { a: ['x', 1, true, null] }, ['a: x, 1, true, (no value)']],
    ['a list of objects', { a: [{ b: 1 }, { b: 2, c: 3 }] }, ['a #1.b: 1', 'a #2.b: 2', 'a #2.c: 3']],
    ['a list of lists', { a: [['x', 'y'], ['z']] }, ['a #1: x, y', 'a #2: z']],
    ['a mixed list', { a: ['x', { b: 1 }] }, ['a #1: x', 'a #2.b: 1']],
    [
      'null and empty',
      { a: null, b: '', c: [], d: {} },
      ['a: (no value)', 'b: (empty)', 'c: (none)', 'd: (none)'],
    ],
    ['words that look like that', { a: 'none', b: 'null' }, ['a: none', 'b: null']],
    ['line breaks', { 'k\ney': 'a\r\nb\tc\u0000d\u2028e' }, ['k ey: a b c d e']],
    ['a change of writing direction', { a: 'x\u202Egpj.exe\u202C y' }, ['a: x gpj.exe  y']],
    ['unicode', { näme: 'Zoë 王 🕵️‍♀️ مرحبا' }, ['näme: Zoë 王 🕵️‍♀️ مرحبا']],
    ['a large number', { a: 1e21, b: 12345678901234 }, ['a: 1e+21', 'b: 12345678901234']],
  ])('shows %s', (_what, data, lines) => {
    const { fields, more } = payloadFields(data, 100)
    expect(fields.map(({ path, value }) => `${path}: ${value}`)).toEqual(lines)
    expect(more).toBe(0)
  })

  it.each([
    [10, 10, 0],
    [10, 9, 1],
    [10, 3, 7],
    [0, 3, 0],
  ])('counts what it leaves out: of %i, at most %i are shown and %i are counted', (count, most, more) => {
    const data = Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, n]))
    const shown = payloadFields(data, most)
    expect(shown.more).toBe(more)
    expect(shown.fields).toHaveLength(count - more)
  })

  it('cuts what is long, and says so', () => {
    const { fields } = payloadFields({ ['k'.repeat(500)]: 'v'.repeat(500) }, 10)
    expect(fields).toEqual([{ path: `${'k'.repeat(79)}…`, value: `${'v'.repeat(299)}…` }])
    const exact = payloadFields({ ['k'.repeat(80)]: 'v'.repeat(300) }, 10)
    expect(exact.fields).toEqual([{ path: 'k'.repeat(80), value: 'v'.repeat(300) }])
  })

  it('cuts no character in two', () => {
    const { fields } = payloadFields({ a: `${'v'.repeat(298)}😀😀` }, 10)
    expect(fields[0]?.value).toBe(`${'v'.repeat(298)}…`)
  })
})
