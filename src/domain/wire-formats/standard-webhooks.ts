import { createHmac, randomBytes } from 'node:crypto'
import type { WireFormat } from './wire-format.ts'

const secretPrefix = 'whsec_'

/**
 * Standard Webhooks 1.0 with the symmetric signature `v1`: HMAC-SHA256 over `id.timestamp.body`, in base64.
 * Source: the specification's "Webhook metadata" and "Signature scheme".
 */
export const standardWebhooks: WireFormat = {
  name: 'standard-webhooks',
  render({ event, sentAt, secret }) {
    const body = JSON.stringify({ type: event.type, timestamp: event.createdAt, data: event.data })
    const timestamp = String(Math.floor(sentAt.getTime() / 1000))
    return {
      body,
      headers: {
        'content-type': 'application/json',
        'webhook-id': event.id,
        'webhook-timestamp': timestamp,
        'webhook-signature': sign(`${event.id}.${timestamp}.${body}`, secret),
      },
    }
  },
}

/** A signing secret of 32 random bytes (the specification asks for 24 to 64). */
export function makeWebhookSecret(): string {
  return secretPrefix + randomBytes(32).toString('base64')
}

function sign(content: string, secret: string): string {
  const key = Buffer.from(
    secret.startsWith(secretPrefix) ? secret.slice(secretPrefix.length) : secret,
    'base64',
  )
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`
}
