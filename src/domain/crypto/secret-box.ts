import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** Keys by id. The first one encrypts. Each is 32 bytes. */
export type SecretKeys = readonly { id: string; key: Buffer }[]

/** AES-256-GCM: `keyId.iv.tag.ciphertext`, the last three in base64url. Decryption needs the same `boundTo`. */
export function seal(plaintext: string, keys: SecretKeys, boundTo: string): string {
  const [current] = keys
  if (!current) throw new Error('no key to encrypt secrets with is configured')
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', current.key, iv).setAAD(Buffer.from(boundTo))
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
  return [
    current.id,
    ...[iv, cipher.getAuthTag(), ciphertext].map((part) => part.toString('base64url')),
  ].join('.')
}

/** Throws if the key is unknown, or if the text was changed or belongs to another row. The message contains no secret. */
export function unseal(sealed: string, keys: SecretKeys, boundTo: string): string {
  const [id, ...parts] = sealed.split('.')
  const [iv, tag, ciphertext] = parts.map((part) => Buffer.from(part, 'base64url'))
  const known = keys.find((key) => key.id === id)
  if (!known)
    throw new Error(`secrets are encrypted with the key "${id}", which SECRET_KEYS does not contain`)
  if (!iv || tag?.length !== 16 || !ciphertext) throw new Error('a sealed secret is malformed')
  const decipher = createDecipheriv('aes-256-gcm', known.key, iv).setAAD(Buffer.from(boundTo)).setAuthTag(tag)
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8')
}
