import { SignatureError } from '../errors.ts'
import type { operations, webhooks } from '../generated/schema.ts'
import { readRequest, type WebhookRequest } from './request.ts'
import { schemes, type SchemeOptions } from './schemes.ts'
import { isSigned } from './signatures.ts'

export type WireFormat = keyof typeof schemes

export interface VerifyOptions<Format extends WireFormat = WireFormat> extends SchemeOptions {
  /**
   * The destination's secret, and during a rotation the other one as well. For `v1a` signatures it is the destination's
   * `publicKey` (`whpk_…`), for `smart-kyc` the tenant's API secret.
   */
  secrets: string | readonly string[]
  /** The destination's `config.wireFormat`, by default `standard-webhooks`. */
  format?: Format
  /** How far the signed time of the attempt may be from now, by default five minutes. `kyc-webhooks` and `smart-kyc` sign none. */
  toleranceSeconds?: number
  /** The time now, by default the clock's. */
  now?: Date
}

type Operation<Format extends WireFormat> = webhooks[Format]['post'] & operations[keyof operations]
type Content<Format extends WireFormat> = NonNullable<Operation<Format>['requestBody']>['content']

export interface VerifiedWebhook<Format extends WireFormat = WireFormat> {
  /**
   * The event's id, the same for every attempt and replay: use it to recognise an event that arrives again. The signatures of
   * `kyc-webhooks` and `smart-kyc` do not cover it; the body of `kyc-webhooks` repeats it.
   */
  id: string
  /** The parsed body: the format's envelope, unless a template of the destination makes another one. */
  body: Content<Format>[keyof Content<Format>]
}

/** Returns the webhook if it is authentic, and throws a `SignatureError` otherwise. */
export async function verify<Format extends WireFormat = 'standard-webhooks'>(
  request: WebhookRequest,
  options: VerifyOptions<Format>,
): Promise<VerifiedWebhook<Format>> {
  const { toKey, read } = schemes[options.format ?? 'standard-webhooks']
  const keys = [options.secrets].flat().map(toKey)
  if (keys.length === 0) throw new TypeError('Verifying needs at least one secret.')
  const webhook = await readRequest(request)
  const { id, prefix, signatures, sentAtSeconds } = read(webhook, options)
  if (!(await isSigned(concat(new TextEncoder().encode(prefix), webhook.body), signatures, keys)))
    throw new SignatureError('signature_mismatch', 'No signature matches the body and the secrets.')
  if (sentAtSeconds !== undefined) requireRecent(sentAtSeconds, options)
  return { id, body: parseBody(webhook.body) as VerifiedWebhook<Format>['body'] }
}

function concat(prefix: Uint8Array, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(prefix.length + body.length)
  content.set(prefix)
  content.set(body, prefix.length)
  return content
}

function requireRecent(
  sentAtSeconds: number,
  { toleranceSeconds = 300, now = new Date() }: VerifyOptions,
): void {
  if (Math.abs(now.getTime() / 1000 - sentAtSeconds) <= toleranceSeconds) return
  throw new SignatureError(
    'timestamp_out_of_tolerance',
    `The webhook was sent more than ${toleranceSeconds} seconds before or after now.`,
  )
}

function parseBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch {
    throw new SignatureError('body_malformed', 'The body is not JSON.')
  }
}
