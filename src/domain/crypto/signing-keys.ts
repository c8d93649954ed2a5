import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** The keys that sign a destination's messages. */
export interface SigningKeys {
  /** Newest first, and more than one only while a rotation overlaps. If empty, messages are not signed. */
  secrets: readonly string[]
  /**
   * Ed25519 keys, `whsk_` and 64 bytes (seed and public key) in base64, for destinations that ask for `v1a`. Newest first, and
   * more than one only while a rotation overlaps.
   */
  privateKeys?: readonly string[]
}

const secretPrefix = 'whsec_'
const privatePrefix = 'whsk_'
const publicPrefix = 'whpk_'

/** A signing secret of 33 random bytes (Standard Webhooks asks for 24 to 64; 33 need no padding). It suits every format. */
export function makeSecret(): string {
  return secretPrefix + randomBytes(33).toString('base64')
}

/** The bytes of a `whsec_…` secret, or of one that is base64 without the prefix. */
export function secretBytes(secret: string): Buffer {
  return Buffer.from(secret.startsWith(secretPrefix) ? secret.slice(secretPrefix.length) : secret, 'base64')
}

/** Returns the problem of a secret for Standard Webhooks, which must be `whsec_` and 24 to 64 bytes in base64. */
export function standardSecretProblem(secret: string): string | undefined {
  const bytes = secretBytes(secret)
  const wellFormed = secret === secretPrefix + bytes.toString('base64')
  return wellFormed && bytes.length >= 24 && bytes.length <= 64
    ? undefined
    : 'must be whsec_ followed by 24 to 64 bytes in base64'
}

/** Returns the problem of a secret that is used as plain text. A mask must never be used to sign, because it is public. */
export function textSecretProblem(secret: string): string | undefined {
  if (secret.startsWith('****')) return 'must be the secret itself, not a masked value'
  return /^[\x21-\x7E]{16,256}$/.test(secret)
    ? undefined
    : 'must be 16 to 256 visible ASCII characters without spaces'
}

export function makePrivateKey(): string {
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return (
    privatePrefix + Buffer.concat([d, x].map((part) => Buffer.from(part, 'base64url'))).toString('base64')
  )
}

/** The `whpk_…` with which receivers verify `v1a` signatures. Not secret. */
export function derivePublicKey(privateKey: string): string {
  const { x = '' } = createPublicKey(keyObject(privateKey)).export({ format: 'jwk' })
  return publicPrefix + Buffer.from(x, 'base64url').toString('base64')
}

/** An ed25519 signature in base64. */
export function signWithKey(content: string, privateKey: string): string {
  return sign(null, Buffer.from(content), keyObject(privateKey)).toString('base64')
}

function keyObject(privateKey: string) {
  const bytes = Buffer.from(privateKey.slice(privatePrefix.length), 'base64')
  const [d, x] = [bytes.subarray(0, 32), bytes.subarray(32)].map((part) => part.toString('base64url'))
  return createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x }, format: 'jwk' })
}
