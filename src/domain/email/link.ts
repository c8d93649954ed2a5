import type { SecretKeys } from '../crypto/secret-box.ts'
import { linkBase, readToken, signToken } from '../crypto/signed-link.ts'

/** A recipient of a destination's mail. */
export interface RecipientRef {
  destinationId: string
  /** Lower-case. */
  address: string
}

/** The content of a confirmation link. Times are Unix ms. */
export interface ConfirmRef extends RecipientRef {
  /** When the recipient got the status in which it was asked. Once that changes, the link is invalid. */
  since: number
  expiresAt: number
}

/** Below the public URL. Not part of the API: the link itself is the credential. */
export const confirmPath = '/email/confirm'
export const unsubscribePath = '/email/unsubscribe'

/** How long after the mail was sent a recipient can confirm. */
export const confirmWithinMs = 7 * 24 * 3600 * 1000

/** Creates the links of a recipient. Unsubscribe links never expire, because mail is kept for years. */
export function createEmailLinks(publicUrl: string, keys: SecretKeys) {
  const base = linkBase(publicUrl)
  return {
    confirm: (ref: ConfirmRef) => `${base}${confirmPath}/${makeConfirmToken(ref, keys)}`,
    unsubscribe: (ref: RecipientRef) => `${base}${unsubscribePath}/${makeUnsubscribeToken(ref, keys)}`,
  }
}

export type EmailLinks = ReturnType<typeof createEmailLinks>

export function makeConfirmToken({ since, expiresAt, ...ref }: ConfirmRef, keys: SecretKeys): string {
  return signToken('email-confirm', [...tokenParts(ref), since.toString(36), expiresAt.toString(36)], keys)
}

export function makeUnsubscribeToken(ref: RecipientRef, keys: SecretKeys): string {
  return signToken('email-unsubscribe', tokenParts(ref), keys)
}

/** Returns the token's content if it was signed with one of the keys, expired or not. */
export function readConfirmToken(token: string, keys: SecretKeys): ConfirmRef | undefined {
  const parts = readToken('email-confirm', token, keys)
  if (parts?.length !== 4) return undefined
  const [destinationId = '', address = '', since = '', expiresAt = ''] = parts
  return {
    ...toRecipientRef(destinationId, address),
    since: Number.parseInt(since, 36),
    expiresAt: Number.parseInt(expiresAt, 36),
  }
}

export function readUnsubscribeToken(token: string, keys: SecretKeys): RecipientRef | undefined {
  const parts = readToken('email-unsubscribe', token, keys)
  if (parts?.length !== 2) return undefined
  const [destinationId = '', address = ''] = parts
  return toRecipientRef(destinationId, address)
}

/** Addresses contain dots, and may contain characters with a meaning in URLs. */
function tokenParts({ destinationId, address }: RecipientRef): string[] {
  return [destinationId, Buffer.from(address).toString('base64url')]
}

function toRecipientRef(destinationId: string, address: string): RecipientRef {
  return { destinationId, address: Buffer.from(address, 'base64url').toString() }
}
