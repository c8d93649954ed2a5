import { createHmac } from 'node:crypto'
import type { Event } from '../event.ts'
import type { SigningKeys } from '../crypto/signing-keys.ts'

/** A tenant's options for signing messages. Each format lists those that it supports. */
export interface WireOptions {
  /** Standard Webhooks only: `v1` is HMAC-SHA256, `v1a` is ed25519. */
  signatures?: readonly ('v1' | 'v1a')[]
  /** KYC-Webhooks only, because its document does not define the signed content. */
  signedContent?: 'timestamp.body' | 'body'
}

/** The input of a wire format. `sentAt` is this attempt's time; `event.createdAt` never changes. */
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

/** The exact bytes to send, and the headers that belong to them. The signature is over exactly these bytes of `body`. */
interface WireMessage {
  headers: Record<string, string>
  body: string
}

/** A webhook's form on the wire: envelope, headers, signature. A pure value. */
export interface WireFormat {
  name: string
  /** The owner of the signing secret. `tenant`: its API secret, unless the destination has its own. */
  signedBy: 'destination' | 'tenant'
  options: readonly (keyof WireOptions)[]
  /** Returns the problem of a secret that a tenant wants to use with this format. */
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
