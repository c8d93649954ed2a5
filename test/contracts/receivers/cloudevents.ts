import { createPublicKey, verify } from 'node:crypto'
import { CloudEvent, HTTP } from 'cloudevents'
import { Webhook } from 'standardwebhooks'
import { serveHttp, type Delivery, type Keys, type Read } from './receiver.ts'

/** By the SDK of the CNCF; the signatures are those of Standard Webhooks, here both of them. */
export const readCloudEvent: Read = (delivery, keys) => {
  const { headers, body } = delivery
  new Webhook(keys.secret).verify(body, headers as Record<string, string>)
  if (!verifiesByPublicKey(delivery, keys)) throw new Error('no v1a signature is by this key')

  const event = HTTP.toEvent({ headers, body: body.toString() })
  if (!(event instanceof CloudEvent)) throw new Error('a batch')
  // The SDK is lenient until it is asked, and makes up an id and a time where there is none.
  event.validate()
  const { specversion, id, source, type, time, datacontenttype, data } = event
  return { specversion, id, source, type, time, datacontenttype, data }
}

/** `v1a` of Standard Webhooks: ed25519 over `id.timestamp.body`, by the destination's `publicKey`. */
function verifiesByPublicKey({ headers, body }: Delivery, { publicKey = '' }: Keys): boolean {
  const x = Buffer.from(publicKey.replace(/^whpk_/, ''), 'base64').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers
  const content = Buffer.concat([Buffer.from(`${String(id)}.${String(timestamp)}.`), body])
  return String(signatures)
    .split(' ')
    .map((signature) => signature.split(','))
    .some(
      ([version, text = '']) => version === 'v1a' && verify(null, content, key, Buffer.from(text, 'base64')),
    )
}

export const startCloudEvents = () => serveHttp(readCloudEvent, 202)
