import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seal, unseal } from '../../../../src/domain/crypto/secret-box.ts'

const older = { id: 'older', key: randomBytes(32) }
const newer = { id: 'newer', key: randomBytes(32) }

describe('a sealed secret', () => {
  it('opens to what was sealed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, boundTo) => {
        expect(unseal(seal(text, [newer], boundTo), [newer], boundTo)).toBe(text)
      }),
    )
  })

  it('is another text every time, and shows nothing of the secret', () => {
    const [first, second] = [
      seal('whsec_abcdefgh', [newer], 'dst_1'),
      seal('whsec_abcdefgh', [newer], 'dst_1'),
    ]
    expect(first).not.toBe(second)
    expect(first).toMatch(/^newer\.[\w-]{16}\.[\w-]{22}\.[\w-]+$/)
    expect(first).not.toContain(Buffer.from('whsec_abcdefgh').toString('base64url'))
  })

  it('does not open with one byte changed, wherever it is', () => {
    const sealed = seal('whsec_abcdefgh', [newer], 'dst_1')
    const [id = '', ...parts] = sealed.split('.')
    const changed = parts.flatMap((part, index) => {
      const bytes = Buffer.from(part, 'base64url')
      return Array.from(bytes, (byte, at) => {
        const other = Buffer.from(bytes)
        other[at] = byte ^ 1
        return [id, ...parts.with(index, other.toString('base64url'))].join('.')
      })
    })
    expect(changed).toHaveLength(12 + 16 + 14)
    for (const text of changed) expect(() => unseal(text, [newer], 'dst_1')).toThrow()
  })

  it.each<[what: string, change: (sealed: string) => string]>([
    ['no tag', (sealed) => sealed.split('.').with(2, '').join('.')],
    ['a tag of four bytes', (sealed) => sealed.split('.').with(2, 'AAAAAA').join('.')],
    ['no ciphertext', (sealed) => sealed.split('.').slice(0, 3).join('.')],
    ['its key’s id only', () => 'newer'],
    ['less at its end', (sealed) => sealed.slice(0, -4)],
    ['more at its end', (sealed) => `${sealed}AAAA`],
  ])('does not open with %s', (_what, change) => {
    expect(() => unseal(change(seal('whsec_abcdefgh', [newer], 'dst_1')), [newer], 'dst_1')).toThrow()
  })

  it('does not open for another destination', () => {
    const sealed = seal('whsec_abcdefgh', [newer], 'dst_1')
    expect(() => unseal(sealed, [newer], 'dst_2')).toThrow()
    expect(() => unseal(sealed, [newer], '')).toThrow()
  })

  it('does not open with another key of the same id', () => {
    const sealed = seal('whsec_abcdefgh', [newer], 'dst_1')
    expect(() => unseal(sealed, [{ ...newer, key: randomBytes(32) }], 'dst_1')).toThrow()
  })

  it('names the key that is missing', () => {
    const sealed = seal('whsec_abcdefgh', [older], 'dst_1')
    expect(() => unseal(sealed, [newer], 'dst_1')).toThrow(
      'the key "older", which SECRET_KEYS does not contain',
    )
    expect(() => unseal(sealed, [], 'dst_1')).toThrow('"older"')
  })

  it('still opens after the key was rotated, and what is sealed then has the new key', () => {
    const before = seal('whsec_abcdefgh', [older], 'dst_1')
    const rotated = [newer, older]
    expect(unseal(before, rotated, 'dst_1')).toBe('whsec_abcdefgh')
    const after = seal('whsec_abcdefgh', rotated, 'dst_1')
    expect(unseal(after, [newer], 'dst_1')).toBe('whsec_abcdefgh')
    expect(() => unseal(after, [older], 'dst_1')).toThrow('"newer"')
  })

  it('cannot be made without a key', () => {
    expect(() => seal('whsec_abcdefgh', [], 'dst_1')).toThrow('no key to encrypt')
  })

  it('says nothing of the secret when it does not open', () => {
    const sealed = seal('whsec_abcdefgh', [older], 'dst_1')
    const attempts = [() => unseal(sealed, [newer], 'dst_1'), () => unseal(sealed, [older], 'dst_2')]
    for (const attempt of attempts) {
      expect(attempt).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('abcdefgh') as string }),
      )
    }
  })
})
