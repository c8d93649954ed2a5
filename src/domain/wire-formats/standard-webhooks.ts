import { createHmac } from 'node:crypto'
import { stringifyExactly } from '../json/json-text.ts'
import { secretBytes, signWithKey, standardSecretProblem } from '../crypto/signing-keys.ts'
import { unixSeconds, type WireFormat, type WireRequest } from './wire-format.ts'

/**
 * Standard Webhooks 1.0. `v1` is HMAC-SHA256, `v1a` is ed25519, both over `id.timestamp.body`, in base64.
 * Source: the specification's "Webhook metadata" and "Signature scheme".
 */
export const standardWebhooks: WireFormat = {
  name: 'standard-webhooks',
  signedBy: 'destination',
  options: ['signatures'],
  secretProblem: standardSecretProblem,
  render(request) {
    const { type, createdAt, data } = request.event
    const body = request.body ?? stringifyExactly({ type, timestamp: createdAt, data })
    return { body, headers: { 'content-type': 'application/json', ...standardHeaders(request, body) } }
  },
}

/** Id, time and signatures as Standard Webhooks writes them, for every format whose own document names no signature. */
export function standardHeaders(request: WireRequest, body: string): Record<string, string> {
  const { event, sentAt } = request
  const timestamp = String(unixSeconds(sentAt))
  const signatures = signMessage(`${event.id}.${timestamp}.${body}`, request)
  return {
    'webhook-id': event.id,
    'webhook-timestamp': timestamp,
    ...(signatures.length > 0 && { 'webhook-signature': signatures.join(' ') }),
  }
}

/** The header has room for several: during a rotation's overlap every secret and every key signs, the newest first. */
function signMessage(content: string, { keys, options }: WireRequest): string[] {
  return (options?.signatures ?? ['v1']).flatMap((version) => {
    if (version === 'v1a') return (keys.privateKeys ?? []).map((key) => `v1a,${signWithKey(content, key)}`)
    return keys.secrets.map(
      (secret) => `v1,${createHmac('sha256', secretBytes(secret)).update(content).digest('base64')}`,
    )
  })
}
