import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  createAcknowledgeLink,
  makeAcknowledgeToken,
  readAcknowledgeToken,
  type AcknowledgeRef,
} from '../../../../src/domain/crypto/acknowledge-link.ts'

const ref: AcknowledgeRef = {
  tenantId: 'ten_01jz8m5w9qf7ws0c4m2e8yq3aa',
  environment: 'production',
  eventId: 'evt_01jz8m5w9qf7ws0c4m2e8yq3bb',
  destinationId: 'dst_01jz8m5w9qf7ws0c4m2e8yq3cc',
}
const makeKeys = (...ids: string[]) => ids.map((id) => ({ id, key: randomBytes(32) }))
const [first, second] = makeKeys('first', 'second')
if (!first || !second) throw new Error('there are two keys')

describe('a token', () => {
  it('says what it stands for', () => {
    const token = makeAcknowledgeToken(ref, [first])
    expect(readAcknowledgeToken(token, [first])).toEqual(ref)
  })

  it('takes event ids of the platform’s own', () => {
    const own = { ...ref, eventId: 'case-17:match_3' }
    expect(readAcknowledgeToken(makeAcknowledgeToken(own, [first]), [first])).toEqual(own)
  })

  it('is fit for a URL, short enough for a line of mail, and ends where no program cuts it', () => {
    const token = makeAcknowledgeToken(ref, [first])
    expect(token).toMatch(/^[A-Za-z0-9._:-]+[a-z0-9]$/)
    expect(token.length).toBeLessThan(200)
  })

  it('is the same whenever it is made: a repeated attempt sends the same link', () => {
    expect(makeAcknowledgeToken(ref, [first])).toBe(makeAcknowledgeToken({ ...ref }, [first]))
  })

  it('is signed by HMAC-SHA256 with a key that is derived for this alone (HKDF)', () => {
    const [, signature] = makeAcknowledgeToken(ref, [first]).split('.')
    const key = Buffer.from(hkdfSync('sha256', first.key, '', 'switchyard acknowledge link 1', 32))
    const named = `${ref.tenantId}.${ref.environment}.${ref.eventId}.${ref.destinationId}`
    expect(signature).toBe(createHmac('sha256', key).update(named).digest('base64url'))
    expect(signature).not.toBe(createHmac('sha256', first.key).update(named).digest('base64url'))
  })
})

describe('a rotated key', () => {
  it('goes on verifying while it is among the keys, and the first one signs', () => {
    const before = makeAcknowledgeToken(ref, [first])
    const after = makeAcknowledgeToken(ref, [second, first])
    expect(readAcknowledgeToken(before, [second, first])).toEqual(ref)
    expect(readAcknowledgeToken(after, [second])).toEqual(ref)
    expect(after).not.toBe(before)
  })

  it('verifies nothing once it is gone', () => {
    expect(readAcknowledgeToken(makeAcknowledgeToken(ref, [first]), [second])).toBeUndefined()
    expect(readAcknowledgeToken(makeAcknowledgeToken(ref, [first]), [])).toBeUndefined()
  })
})

describe('nobody else makes one', () => {
  const token = makeAcknowledgeToken(ref, [first])

  it.each<[field: keyof AcknowledgeRef, other: string]>([
    ['tenantId', 'ten_01jz8m5w9qf7ws0c4m2e8yq3zz'],
    ['environment', 'sandbox'],
    ['eventId', 'evt_01jz8m5w9qf7ws0c4m2e8yq3zz'],
    ['destinationId', 'dst_01jz8m5w9qf7ws0c4m2e8yq3zz'],
  ])('by putting another %s into it', (field, other) => {
    expect(readAcknowledgeToken(token.replace(ref[field], other), [first])).toBeUndefined()
  })

  it('by changing any one character of it', () => {
    for (let at = 0; at < token.length; at++) {
      const changed = token.slice(0, at) + (token[at] === 'x' ? 'y' : 'x') + token.slice(at + 1)
      expect(readAcknowledgeToken(changed, [first]), changed).toBeUndefined()
    }
  })

  it.each([
    '', '.', '1', '1.....', '1..a.sandbox.b.c', 'x'.repeat(10_000), '1.' + '.'.repeat(10_000), '__proto__',
    '2' + token.slice(1), token + '.', token + '.more', token + '\n', token + '=', token.slice(0, -1), ` ${token}`,
    token.replace(/^1\.[^.]+/, '1.'), token.toUpperCase(), token.replace('.evt_', './evt_'), token + '\u0000',
  ])('with %j', (bad) => {
    expect(readAcknowledgeToken(bad, [first])).toBeUndefined()
  }) // prettier-ignore

  it('by writing the same signature in another way', () => {
    const [, signature = ''] = token.split('.')
    // The last of 43 characters holds two bits that count for nothing.
    const twin = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
      .map((last) => signature.slice(0, -1) + last)
      .find(
        (other) =>
          other !== signature && Buffer.from(other, 'base64url').equals(Buffer.from(signature, 'base64url')),
      )
    expect(twin).toBeDefined()
    expect(readAcknowledgeToken(token.replace(signature, twin ?? ''), [first])).toBeUndefined()
  })
})

describe('a link', () => {
  const event = { id: ref.eventId, tenantId: ref.tenantId, environment: ref.environment }

  it.each([
    ['https://switchyard.example', 'https://switchyard.example/acknowledge/'],
    ['https://switchyard.example/', 'https://switchyard.example/acknowledge/'],
    ['https://example.com/switchyard', 'https://example.com/switchyard/acknowledge/'],
  ])('stands below %s', (publicUrl, start) => {
    const link = createAcknowledgeLink(publicUrl, [first])({ event, destinationId: ref.destinationId })
    expect(link.startsWith(start)).toBe(true)
    expect(new URL(link).href).toBe(link)
    expect(readAcknowledgeToken(link.slice(start.length), [first])).toEqual(ref)
  })
})
