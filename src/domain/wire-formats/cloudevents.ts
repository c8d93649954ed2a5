import { stringifyExactly } from '../json/json-text.ts'
import { standardSecretProblem } from '../crypto/signing-keys.ts'
import { standardHeaders } from './standard-webhooks.ts'
import type { WireFormat } from './wire-format.ts'

/**
 * CloudEvents 1.0 in structured mode over HTTP. `source` and `id` together name the event. CloudEvents has no signature
 * of its own, so the headers of Standard Webhooks sign the body.
 * Source: CloudEvents specification 1.0.2, "JSON event format" and "HTTP protocol binding" §3.2.
 */
export const cloudEvents: WireFormat = {
  name: 'cloudevents',
  signedBy: 'destination',
  options: ['signatures'],
  secretProblem: standardSecretProblem,
  render(request) {
    const { id, tenantId, environment, type, createdAt, data } = request.event
    const body =
      request.body ??
      stringifyExactly({
        specversion: '1.0',
        id,
        source: `urn:switchyard:${tenantId}:${environment}`,
        type,
        time: createdAt,
        datacontenttype: 'application/json',
        data,
      })
    const contentType = 'application/cloudevents+json; charset=utf-8'
    return { body, headers: { 'content-type': contentType, ...standardHeaders(request, body) } }
  },
}
