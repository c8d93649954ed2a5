import { stringifyExactly } from '../json/json-text.ts'
import { textSecretProblem } from '../crypto/signing-keys.ts'
import { hexSignature, type WireFormat } from './wire-format.ts'

/**
 * Smart KYC. The signature covers the raw body alone and uses the tenant's API secret. The payload has no id, and receivers are
 * told to use idempotency keys, so the event's id is sent in that header. Source: the Smart KYC document "Standard Payload
 * Structure", "Signature Verification Example".
 */
export const smartKyc: WireFormat = {
  name: 'smart-kyc',
  signedBy: 'tenant',
  options: [],
  secretProblem: textSecretProblem,
  render(request) {
    const { event } = request
    const { type, createdAt, data, tenantId } = event
    const body = request.body ?? stringifyExactly({ event: type, timestamp: createdAt, data, tenantId })
    const signature = hexSignature(body, request)
    return {
      body,
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': event.id,
        ...(signature !== undefined && { 'X-SmartKYC-Signature': signature }),
      },
    }
  },
}
