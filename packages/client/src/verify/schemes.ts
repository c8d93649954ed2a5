import { SignatureError } from '../errors.ts'
import type { RawWebhook } from './request.ts'
import {
  decodeBase64,
  decodeHex,
  standardKey,
  textKey,
  type Signature,
  type VerificationKey,
} from './signatures.ts'

/** How a wire format is signed. */
export interface Scheme {
  toKey: (secret: string) => VerificationKey
  read: (webhook: RawWebhook, options: SchemeOptions) => SignedMessage
}

export interface SchemeOptions {
  /** `kyc-webhooks` only: the destination's `config.signedContent`. */
  signedContent?: 'timestamp.body' | 'body'
}

interface SignedMessage {
  /** The event's id. */
  id: string
  /** Precedes the body in the signed content. */
  prefix: string
  signatures: Signature[]
  /** The header with the time of the attempt, in Unix seconds, if the signature covers it. */
  sentAtSeconds?: number
}

/** Standard Webhooks 1.0: HMACs (`v1`) and ed25519 signatures (`v1a`) of `id.timestamp.body`, separated by spaces. */
const standard: Scheme = {
  toKey: standardKey,
  read({ header }) {
    const [id, timestamp] = [header('webhook-id'), header('webhook-timestamp')]
    const signatures = header('webhook-signature').split(' ').flatMap(parseStandardSignature)
    const sentAtSeconds = parseSeconds('webhook-timestamp', timestamp)
    return { id, prefix: `${id}.${timestamp}.`, signatures, sentAtSeconds }
  },
}

/** `sha256=` and an HMAC in hex, of `timestamp.body`. The time is the event's: it is the same for all attempts. */
const kycWebhooks: Scheme = {
  toKey: textKey,
  read({ header }, { signedContent }) {
    const [, hex = ''] = /^sha256=(.*)$/.exec(header('x-webhook-signature')) ?? []
    return {
      id: header('x-webhook-id'),
      prefix: signedContent === 'body' ? '' : `${header('x-webhook-timestamp')}.`,
      signatures: parseHexSignature('x-webhook-signature', hex),
    }
  },
}

/** An HMAC of the body in hex. */
const smartKyc: Scheme = {
  toKey: textKey,
  read: ({ header }) => ({
    id: header('idempotency-key'),
    prefix: '',
    signatures: parseHexSignature('x-smartkyc-signature', header('x-smartkyc-signature')),
  }),
}

/** The signature of every wire format: a destination's `config.wireFormat`. */
export const schemes = {
  'standard-webhooks': standard,
  cloudevents: standard,
  dataspike: standard,
  'kyc-webhooks': kycWebhooks,
  'smart-kyc': smartKyc,
} satisfies Record<string, Scheme>

/** Signatures of versions that are not known yet are passed over, as the specification asks. */
function parseStandardSignature(text: string): Signature[] {
  const [version, base64 = ''] = text.split(',')
  const bytes = decodeBase64(base64)
  if (!bytes || (version !== 'v1' && version !== 'v1a')) return []
  return [{ algorithm: version === 'v1' ? 'hmac' : 'ed25519', bytes }]
}

function parseHexSignature(name: string, hex: string): Signature[] {
  const bytes = decodeHex(hex)
  if (!bytes) throw new SignatureError('header_malformed', `The header ${name} has no signature in hex.`)
  return [{ algorithm: 'hmac', bytes }]
}

function parseSeconds(name: string, text: string): number {
  if (!/^\d{1,12}$/.test(text))
    throw new SignatureError('header_malformed', `The header ${name} is not a time in Unix seconds.`)
  return Number(text)
}
