import { createHmac } from 'node:crypto'
import type { Event } from '../event.ts'
import type { SigningKeys } from '../crypto/signing-keys.ts'

/** What a tenant may choose of how messages are signed; a format names those that it knows. */
export interface WireOptions {
  /** Of Standard Webhooks: `v1` is HMAC-SHA256, `v1a` is ed25519. */
  signatures?: readonly ('v1' | 'v1a')[]
  /** Of KYC-Webhooks, whose document does not say what is signed. */
  signedContent?: 'timestamp.body' | 'body'
}

/** What a wire format renders from. `sentAt` is this attempt's time; `event.createdAt` never changes. */
export interface WireRequest {
  event: Event
  destination: { id: string; eventTypes: readonly string[] }
  /** 1 for the first attempt of a run. */
  attempt: number
  sentAt: Date
  keys: SigningKeys
  options?: WireOptions
  /** Sent, and signed, instead of the format's own envelope. */
  body?: string
}

/** The exact bytes to send and the headers that go with them. The signature is over `body` as it stands. */
interface WireMessage {
  headers: Record<string, string>
  body: string
}

/** How a webhook looks on the wire: envelope, headers, signature. A pure value. */
export interface WireFormat {
  name: string
  /** Whose secret signs. `tenant`: its API secret, unless the destination was given a secret of its own. */
  signedBy: 'destination' | 'tenant'
  options: readonly (keyof WireOptions)[]
  /** What is wrong with a secret that a tenant wants to use with this format. */
  secretProblem: (secret: string) => string | undefined
  render(request: WireRequest): WireMessage
}

/**
 * HMAC-SHA256 in hex under one secret, for formats whose header has room for one signature. While a rotation overlaps,
 * attempts take turns: a receiver that knows only one of the secrets refuses one attempt and accepts the next.
 */
export function hexSignature(content: string, { keys, attempt }: WireRequest): string | undefined {
  const secret = keys.secrets[(attempt - 1) % keys.secrets.length]
  return secret === undefined ? undefined : createHmac('sha256', secret).update(content).digest('hex')
}

export function unixSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1000)
}
