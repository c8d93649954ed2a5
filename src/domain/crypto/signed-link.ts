import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { SecretKeys } from './secret-box.ts'

/** The purpose of a link. Each has its own key, so a token of one is invalid for another. */
export type LinkPurpose = 'acknowledge' | 'email-confirm' | 'email-unsubscribe'

/** The token format. A changed format gets another version and thereby another key. */
const version = '1'

/**
 * `version.signature.part…`. Parts contain no dot and are not secret; only the signature cannot be guessed. It is not at the end,
 * because programs that detect links in text drop a trailing `-` or `_`.
 */
export function signToken(purpose: LinkPurpose, parts: readonly string[], keys: SecretKeys): string {
  const [current] = keys
  if (!current) throw new Error('no key to sign links with is configured')
  const named = parts.join('.')
  return [version, sign(purpose, named, current.key).toString('base64url'), named].join('.')
}

/** The parts of a token if one of the keys has signed it for this purpose. All keys are valid, so that they can be rotated. */
export function readToken(purpose: LinkPurpose, token: string, keys: SecretKeys): string[] | undefined {
  const [given, signature = '', ...parts] = token.split('.')
  if (given !== version || !isSigned(purpose, parts.join('.'), signature, keys)) return undefined
  return parts
}

/** The public URL's part of every link, without a slash at its end. */
export function linkBase(publicUrl: string): string {
  return publicUrl.replace(/\/+$/, '')
}

function isSigned(purpose: LinkPurpose, named: string, signature: string, keys: SecretKeys): boolean {
  const given = Buffer.from(signature, 'base64url')
  // Rejects other encodings of the same bytes: each link has exactly one form.
  if (given.toString('base64url') !== signature) return false
  return keys.some(({ key }) => {
    const right = sign(purpose, named, key)
    return given.length === right.length && timingSafeEqual(given, right)
  })
}

function sign(purpose: LinkPurpose, named: string, key: Buffer): Buffer {
  return createHmac('sha256', linkKey(purpose, key)).update(named).digest()
}

/** Links use keys derived from the encryption keys (RFC 5869): a key that encrypts must not sign. */
function linkKey(purpose: LinkPurpose, key: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `switchyard ${purpose} link ${version}`, 32))
}
