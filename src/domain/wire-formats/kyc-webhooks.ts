import { stringifyExactly } from '../json/json-text.ts'
import { textSecretProblem } from '../crypto/signing-keys.ts'
import { hexSignature, unixSeconds, type WireFormat } from './wire-format.ts'

/**
 * KYC-Webhooks/1.0. The timestamp is the event's and stays the same for all attempts, as its document says. The document does not
 * define the signed content: it is `timestamp.body`, or the body alone if the destination says so. Source: the KYC-Webhooks
 * document "Security Headers", "Webhook Envelope".
 */
export const kycWebhooks: WireFormat = {
  name: 'kyc-webhooks',
  signedBy: 'destination',
  options: ['signedContent'],
  secretProblem: textSecretProblem,
  render(request) {
    const { event, options } = request
    const created = unixSeconds(new Date(event.createdAt))
    const body =
      request.body ?? stringifyExactly({ id: event.id, type: event.type, created, data: event.data })
    const signature = hexSignature(options?.signedContent === 'body' ? body : `${created}.${body}`, request)
    return {
      body,
      headers: {
        'Content-Type': 'application/json',
        'User-Agent': 'KYC-Webhooks/1.0',
        'X-Webhook-ID': event.id,
        'X-Webhook-Timestamp': String(created),
        ...(signature !== undefined && { 'X-Webhook-Signature': `sha256=${signature}` }),
      },
    }
  },
}
