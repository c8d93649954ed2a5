import { createHmac, timingSafeEqual } from 'node:crypto'
import { serveHttp, type ContractReceiver, type Read, type Reading } from './receiver.ts'

/** "Webhook Envelope" of the KYC-Webhooks document. */
interface KycEnvelope {
  id: string
  type: string
  created: number
  data: unknown
}

/** By the "Security Headers" of the KYC-Webhooks document, which leaves open what is signed: that is agreed upon beforehand. */
export function readKycWebhooks(signedContent: 'timestamp.body' | 'body'): Read {
  return ({ headers, body }, { secret }) => {
    const timestamp = one(headers['x-webhook-timestamp'])
    const content = signedContent === 'body' ? body : Buffer.concat([Buffer.from(`${timestamp}.`), body])
    const [scheme, signature = ''] = one(headers['x-webhook-signature']).split('=')
    const expected = createHmac('sha256', secret).update(content).digest()
    const given = Buffer.from(signature, 'hex')
    if (scheme !== 'sha256' || given.length !== expected.length || !timingSafeEqual(given, expected))
      throw new Error('the signature does not match')
    if (headers['user-agent'] !== 'KYC-Webhooks/1.0') throw new Error('another sender')
    if (headers['content-type'] !== 'application/json') throw new Error('not JSON')

    const { id, type, created, data } = JSON.parse(body.toString()) as KycEnvelope
    if (one(headers['x-webhook-id']) !== id || timestamp !== String(created))
      throw new Error('headers and envelope are of two events')
    return { id, type, created, data }
  }
}

function one(header: string | string[] | undefined): string {
  if (typeof header !== 'string') throw new Error('a header is missing')
  return header
}

/** Answers 2xx also to an event that it knows by its X-Webhook-ID, and does not process it again. */
export async function startKycWebhooks(): Promise<ContractReceiver & { processed: Reading[] }> {
  const known = new Set<string>()
  const processed: Reading[] = []
  const read = readKycWebhooks('timestamp.body')
  const receiver = await serveHttp((delivery, keys) => {
    const reading = read(delivery, keys)
    const id = one(delivery.headers['x-webhook-id'])
    if (!known.has(id)) processed.push(reading)
    known.add(id)
    return reading
  }, 202)
  return Object.assign(receiver, { processed })
}
