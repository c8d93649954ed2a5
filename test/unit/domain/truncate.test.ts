import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, cutCodePoints, truncate } from '../../../src/domain/truncate.ts'

const links = /<[^<>]*>/g

describe('a text that is cut', () => {
  it.each<[text: string, max: number, kept: string]>([
    ['short', 5, 'short'],
    ['longer', 4, 'long'],
    ['a😀b', 2, 'a'],
    ['a😀b', 3, 'a😀'],
    ['a👩‍👩‍👧b', 6, 'a'],
    ['a👩‍👩‍👧b', 9, 'a👩‍👩‍👧'],
    ['ab🇩🇪🇫🇷', 8, 'ab🇩🇪'],
    ['e\u0301e\u0301', 3, 'e\u0301'],
    ['a\r\nb', 2, 'a'],
    ['x\ud83d\ud83dy', 2, 'x\ud83d'],
    [`a${'\u0301'.repeat(500)}`, 200, `a${'\u0301'.repeat(199)}`],
    ['', 0, ''],
  ])('%j to %i is %j', (text, max, kept) => {
    expect(cut(text, max)).toBe(kept)
  })

  it.each<[text: string, max: number, kept: string]>([
    ['see <https://a.example|a> now', 10, 'see '],
    ['see <https://a.example|a> now', 25, 'see <https://a.example|a>'],
    ['see <https://a.example|a> now', 27, 'see <https://a.example|a> n'],
    ['a < b, and c > d', 6, 'a '],
    ['<https://a.example|longer than all>', 10, '<https://a'],
  ])('keeps links whole: %j to %i is %j', (text, max, kept) => {
    expect(cut(text, max, links)).toBe(kept)
  })

  it('says that it was', () => {
    expect(truncate('longer', 5)).toBe('long…')
    expect(truncate('fits', 4)).toBe('fits')
    expect(truncate('a😀😀', 4)).toBe('a😀…')
    expect(truncate('ab <link|link> cd', 8, ' (cut)', links)).toBe('ab (cut)')
  })

  const anyText = fc.string({ unit: 'binary', maxLength: 300 })
  it('is well-formed if it was, never longer than asked, and a beginning of the whole', () => {
    fc.assert(
      fc.property(anyText, fc.nat(300), (text, max) => {
        for (const kept of [cut(text, max), cutCodePoints(text, max)]) {
          expect(kept.length).toBeLessThanOrEqual(max)
          expect(text.startsWith(kept)).toBe(true)
          expect(kept.isWellFormed() || !text.isWellFormed()).toBe(true)
        }
      }),
    )
  })
})
