import { describe, expect, it } from 'vitest'
import { getOrderKey, orderPathPattern } from '../../../../src/domain/delivery/ordering.ts'
import type { JsonObject } from '../../../../src/domain/event.ts'

const keyOf = (data: JsonObject, path: string) => getOrderKey({ type: 'aml.match.found', data }, path)

describe('the key of an event at an ordered destination', () => {
  it.each<[data: JsonObject, path: string, text: string]>([
    [{ customerId: 'cus_1' }, 'data.customerId', 'data.customerId = "cus_1"'],
    [{ customer: { id: 7 } }, 'data.customer.id', 'data.customer.id = 7'],
    [{ list: [{ id: 'a' }, { id: 'b' }] }, 'data.list.1.id', 'data.list.1.id = "b"'],
    [{ open: false }, 'data.open', 'data.open = false'],
    [{ count: 0 }, 'data.count', 'data.count = 0'],
    [{ name: '' }, 'data.name', 'data.name = ""'],
    [{}, 'type', 'type = "aml.match.found"'],
  ])('of %j by %s', (data, path, text) => {
    expect(keyOf(data, path)).toEqual({ text, hash: expect.stringMatching(/^[0-9a-f]{32}$/) as string })
  })

  it.each<[data: JsonObject, path: string]>([
    [{}, 'data.customerId'],
    [{ customerId: null }, 'data.customerId'],
    [{ customer: 'cus_1' }, 'data.customer.id'],
    [{}, 'data.constructor'],
    [{ text: 'long' }, 'data.text.length'],
    [{ list: [] }, 'data.list.0'],
  ])('is none for %j by %s', (data, path) => {
    expect(keyOf(data, path)).toBeUndefined()
  })

  it('is the same for equal values only: a text is no number, and one key no part of another', () => {
    const hashes = [1, '1', 'a', 'A', 'ab', true, 'true'].map((id) => keyOf({ id }, 'data.id')?.hash)
    expect(new Set(hashes).size).toBe(hashes.length)
    expect(keyOf({ id: 'a', other: 1 }, 'data.id')?.hash).toBe(keyOf({ id: 'a' }, 'data.id')?.hash)
  })

  it('is the same for equal objects, in whatever order their fields were sent', () => {
    const one = { id: { country: 'DE', numbers: [{ a: 1, b: 2 }], constructor: 1 } }
    const other = { id: { constructor: 1, numbers: [{ b: 2, a: 1 }], country: 'DE' } }
    expect(keyOf(one, 'data.id')).toEqual(keyOf(other, 'data.id'))
    const turned = { id: { ...one.id, numbers: [{ a: 2, b: 1 }] } }
    expect(keyOf(turned, 'data.id')?.hash).not.toBe(keyOf(one, 'data.id')?.hash)
  })

  it('names a long value by its beginning, and tells it apart by all of it', () => {
    const [one, other] = ['1', '2'].map((end) => keyOf({ id: 'x'.repeat(200) + end }, 'data.id'))
    expect(one?.text.length).toBeLessThan(100)
    expect(one?.text).toBe(other?.text)
    expect(one?.hash).not.toBe(other?.hash)
  })

  it.each(['customerId', 'data', 'data.', 'data..a', 'data.$where', 'data.a b', 'id', 'type.a'])(
    'is at no such path as %j',
    (path) => {
      expect(path).not.toMatch(orderPathPattern)
    },
  )
})
