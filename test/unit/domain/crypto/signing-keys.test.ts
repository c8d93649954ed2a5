import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import {
  ownSigningKeys,
  previousInForce,
  type StoredKeys,
} from '../../../../src/db/destinations/destinations.ts'
import {
  makePrivateKey,
  makeSecret,
  derivePublicKey,
  secretBytes,
  signWithKey,
  standardSecretProblem,
  textSecretProblem,
} from '../../../../src/domain/crypto/signing-keys.ts'

const bytes = (count: number) => Buffer.alloc(count, 0xa5).toString('base64')

describe('a secret that is made', () => {
  it('is whsec_ and 33 random bytes in base64, and suits every wire format', () => {
    const secret = makeSecret()
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{44}$/)
    expect(secretBytes(secret)).toHaveLength(33)
    expect(standardSecretProblem(secret)).toBeUndefined()
    expect(textSecretProblem(secret)).toBeUndefined()
    expect(makeSecret()).not.toBe(secret)
  })

  it('is read by the standardwebhooks package as the bytes that we sign with', () => {
    const secret = makeSecret()
    const raw = new Webhook(secretBytes(secret), { format: 'raw' })
    const at = new Date()
    expect(new Webhook(secret).sign('evt_1', at, '{}')).toBe(raw.sign('evt_1', at, '{}'))
  })
})

describe('a secret for Standard Webhooks', () => {
  it.each([
    ['24 bytes', `whsec_${bytes(24)}`],
    ['25 bytes, with padding', `whsec_${bytes(25)}`],
    ['64 bytes', `whsec_${bytes(64)}`],
    [
      'the one that the Webhooks API’s document prints',
      'whsec_A1B2C3D4E5F6G7H8I9J0K1L2M3N4O5P6Q7R8S9T0U1V2W3X4Y5Z6',
    ],
  ])('may be %s', (_what, secret) => {
    expect(standardSecretProblem(secret)).toBeUndefined()
  })

  it.each([
    ['empty', ''],
    ['the prefix alone', 'whsec_'],
    ['23 bytes', `whsec_${bytes(23)}`],
    ['65 bytes', `whsec_${bytes(65)}`],
    ['without its prefix', bytes(33)],
    ['with another prefix', `whsk_${bytes(33)}`],
    ['with its prefix twice', `whsec_whsec_${bytes(33)}`],
    ['base64url', `whsec_${Buffer.alloc(33, 0xff).toString('base64url')}`],
    ['without its padding', `whsec_${bytes(25).replace('=', '')}`],
    ['with a space in it', `whsec_${bytes(15)} ${bytes(15)}`],
    ['with a line break after it', `whsec_${bytes(33)}\n`],
    ['hex of an odd length', `whsec_${'a5'.repeat(24)}f`],
    ['a text', 'whsec_correct-horse-battery-staple-and-more'],
  ])('may not be %s', (_what, secret) => {
    expect(standardSecretProblem(secret)).toBe('must be whsec_ followed by 24 to 64 bytes in base64')
  })
})

describe('a secret that is used as text', () => {
  it.each([
    ['16 characters', 'a'.repeat(16)],
    ['256 characters', 'a'.repeat(256)],
    ['every visible ASCII character', String.fromCharCode(...Array.from({ length: 94 }, (_, n) => 0x21 + n))],
    ['a whsec_ secret', `whsec_${bytes(33)}`],
  ])('may be %s', (_what, secret) => {
    expect(textSecretProblem(secret)).toBeUndefined()
  })

  it.each([
    ['empty', ''],
    ['15 characters', 'a'.repeat(15)],
    ['257 characters', 'a'.repeat(257)],
    ['with a space', 'correct horse battery'],
    ['with a line break after it', `${'a'.repeat(20)}\n`],
    ['with a control character', `${'a'.repeat(20)}\u0007`],
    ['with DEL', `${'a'.repeat(20)}\u007F`],
    ['with a letter that is not ASCII', 'pässword-pässword-pässword'],
    ['with an emoji', '🔑'.repeat(16)],
  ])('may not be %s', (_what, secret) => {
    expect(textSecretProblem(secret)).toBe('must be 16 to 256 visible ASCII characters without spaces')
  })
})

/** Verifies as a receiver does that was given a `whpk_…`: by node:crypto alone, from the raw 32 bytes. */
function verifies(content: string, signature: string, publicKey: string): boolean {
  const x = Buffer.from(publicKey.replace(/^whpk_/, ''), 'base64').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return verify(null, Buffer.from(content), key, Buffer.from(signature, 'base64'))
}

describe('a key pair for v1a', () => {
  it('is whsk_ and 64 bytes, whpk_ and the last 32 of them', () => {
    const privateKey = makePrivateKey()
    const publicKey = derivePublicKey(privateKey)
    expect(privateKey).toMatch(/^whsk_[A-Za-z0-9+/]{86}==$/)
    expect(publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/)
    const pair = Buffer.from(privateKey.slice('whsk_'.length), 'base64')
    expect(publicKey).toBe(`whpk_${pair.subarray(32).toString('base64')}`)
    expect(makePrivateKey()).not.toBe(privateKey)
  })

  it('signs what its public key verifies, and nothing else', () => {
    const [privateKey, other] = [makePrivateKey(), makePrivateKey()]
    const content = 'evt_1.1795262400.{"name":"Zoë 🕵️"}'
    const signature = signWithKey(content, privateKey)
    expect(Buffer.from(signature, 'base64')).toHaveLength(64)
    expect(verifies(content, signature, derivePublicKey(privateKey))).toBe(true)
    expect(verifies(`${content} `, signature, derivePublicKey(privateKey))).toBe(false)
    expect(verifies(content, signature, derivePublicKey(other))).toBe(false)
    expect(verifies(content, signWithKey(content, other), derivePublicKey(privateKey))).toBe(false)
  })

  it('can come from another tool that writes the seed and the public key', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const seed = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32)
    const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
    const pair = `whsk_${Buffer.concat([seed, point]).toString('base64')}`
    expect(derivePublicKey(pair)).toBe(`whpk_${point.toString('base64')}`)
    expect(verify(null, Buffer.from('x'), publicKey, Buffer.from(signWithKey('x', pair), 'base64'))).toBe(
      true,
    )
  })

  // RFC 8032 §7.1, TEST 1 (an empty message) and TEST 2 (the byte 0x72, which is the letter r).
  it.each([
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      'r',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
  ])('gives RFC 8032’s test vector: seed %s', (seed, point, message, signature) => {
    const privateKey = `whsk_${Buffer.from(seed + point, 'hex').toString('base64')}`
    expect(derivePublicKey(privateKey)).toBe(`whpk_${Buffer.from(point, 'hex').toString('base64')}`)
    expect(Buffer.from(signWithKey(message, privateKey), 'base64').toString('hex')).toBe(signature)
  })
})

describe('the keys that sign for a destination', () => {
  const stored: StoredKeys = {
    secret: 'newest',
    privateKey: 'newest key',
    previous: [
      { secret: 'newer', privateKey: 'newer key', until: '2026-11-22T12:00:00.000Z' },
      { secret: 'older', until: '2026-11-21T12:00:00.000Z' },
      { privateKey: 'oldest key', until: '2026-11-21T12:00:00.000Z' },
    ],
  }

  it.each<[when: string, now: string, secrets: string[], privateKeys: string[], endingLast?: string]>([
    [
      'before any overlap has ended',
      '2026-11-21T11:59:59.999Z',
      ['newest', 'newer', 'older'],
      ['newest key', 'newer key', 'oldest key'],
      '2026-11-22T12:00:00.000Z',
    ],
    [
      'at the very end of one',
      '2026-11-21T12:00:00.000Z',
      ['newest', 'newer'],
      ['newest key', 'newer key'],
      '2026-11-22T12:00:00.000Z',
    ],
    ['when all have ended', '2026-11-22T12:00:00.000Z', ['newest'], ['newest key']],
  ])('%s', (_when, now, secrets, privateKeys, endingLast) => {
    expect(ownSigningKeys(stored, new Date(now))).toEqual({ secrets, privateKeys })
    expect(previousInForce(stored, new Date(now))[0]?.until).toBe(endingLast)
  })

  it('are the secret alone where a destination was written before there were rotations', () => {
    expect(ownSigningKeys({ secret: 'only' }, new Date())).toEqual({ secrets: ['only'], privateKeys: [] })
  })

  it('are none where the tenant’s API secret signs', () => {
    expect(ownSigningKeys({}, new Date())).toEqual({ secrets: [], privateKeys: [] })
  })
})
