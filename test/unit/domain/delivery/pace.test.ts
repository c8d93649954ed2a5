import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withoutReservation, type PaceReservations } from '../../../../src/domain/delivery/pace.ts'

describe('a place that is given back', () => {
  it.each<[what: string, before: PaceReservations, number: number, after: PaceReservations | undefined]>([
    ['at the end is free again', { taken: 5, used: 2, released: [] }, 5, { taken: 4, used: 2, released: [] }],
    [
      'in the middle is not waited for',
      { taken: 5, used: 2, released: [] },
      4,
      { taken: 5, used: 2, released: [4] },
    ],
    [
      'at the end takes those before it along',
      { taken: 5, used: 2, released: [3, 4] },
      5,
      { taken: 2, used: 2, released: [] },
    ],
    [
      'at the end stops at one that is waited for',
      { taken: 6, used: 1, released: [2, 5] },
      6,
      { taken: 4, used: 1, released: [2] },
    ],
    [
      'forgets those before the newest that was used',
      { taken: 9, used: 5, released: [3, 7] },
      8,
      { taken: 9, used: 5, released: [7, 8] },
    ],
    ['after it was used changes nothing', { taken: 5, used: 5, released: [] }, 5, undefined],
    ['twice changes nothing', { taken: 5, used: 2, released: [4] }, 4, undefined],
    [
      'that was given back at the end before changes nothing',
      { taken: 4, used: 2, released: [] },
      5,
      undefined,
    ],
  ])('%s', (_what, before, number, after) => {
    // prettier-ignore
    expect(withoutReservation(before, number)).toEqual(after)
  })

  it('leaves nothing behind once all are given back, in whatever order', () => {
    const orders = fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8], { minLength: 8 })
    fc.assert(
      fc.property(orders, (order) => {
        let places: PaceReservations = { taken: 8, used: 0, released: [] }
        for (const number of order) places = withoutReservation(places, number) ?? places
        expect(places).toEqual({ taken: 0, used: 0, released: [] })
      }),
    )
  })
})
