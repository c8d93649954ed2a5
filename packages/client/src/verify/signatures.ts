/** A signature that a message carries. `v1a` is ed25519, the others are HMAC-SHA256. */
export interface Signature {
  algorithm: 'hmac' | 'ed25519'
  bytes: Uint8Array<ArrayBuffer>
}

/** A secret in the form that Web Crypto imports. */
export interface VerificationKey {
  algorithm: Signature['algorithm']
  bytes: Uint8Array<ArrayBuffer>
}

const algorithms = { hmac: { name: 'HMAC', hash: 'SHA-256' }, ed25519: { name: 'Ed25519' } } as const

/** True if one of the keys made one of the signatures. Web Crypto compares in constant time. */
export async function isSigned(
  content: Uint8Array<ArrayBuffer>,
  signatures: readonly Signature[],
  keys: readonly VerificationKey[],
): Promise<boolean> {
  for (const { algorithm, bytes } of keys) {
    const parameters = algorithms[algorithm]
    const key = await crypto.subtle.importKey('raw', bytes, parameters, false, ['verify'])
    for (const signature of signatures)
      if (
        signature.algorithm === algorithm &&
        (await crypto.subtle.verify(parameters, key, signature.bytes, content))
      )
        return true
  }
  return false
}

/**
 * The keys of Standard Webhooks: `whsec_` and an HMAC secret, or `whpk_` and an ed25519 public key, in base64. An HMAC secret may
 * come without its prefix.
 */
export function standardKey(secret: string): VerificationKey {
  const [, prefix, base64 = ''] = /^(whsec_|whpk_)?(.*)$/s.exec(secret) ?? []
  const bytes = decodeBase64(base64)
  if (!bytes?.length) throw new TypeError('A secret must be whsec_… or whpk_… with base64.')
  return { algorithm: prefix === 'whpk_' ? 'ed25519' : 'hmac', bytes }
}

/** The keys of formats that use a secret as it is written. */
export function textKey(secret: string): VerificationKey {
  if (secret === '') throw new TypeError('A secret must not be empty.')
  return { algorithm: 'hmac', bytes: new TextEncoder().encode(secret) }
}

export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

export function decodeHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^([0-9a-f]{2})+$/i.test(text)) return undefined
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16))
}
