import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { SignatureError, verify, type VerifyOptions } from '../../../packages/client/src/index.ts'
import { derivePublicKey } from '../../../src/domain/crypto/signing-keys.ts'
import { findWireFormat, wireFormatNames } from '../../../src/domain/wire-formats/index.ts'
import type { WireRequest } from '../../../src/domain/wire-formats/wire-format.ts'
import {
  hexSignatures,
  olderPrivateKey,
  privateKey,
  screening,
  screeningBody,
  sentAt,
  session,
  sessionBody,
  standardSecrets,
  standardSignatures,
  textSecrets,
} from '../domain/wire-samples.ts'

/** Signs as the product does: the newest secret first. */
function sign(format: string, { keys, options, attempt = 1 }: Partial<WireRequest>) {
  const message = findWireFormat(format)?.render({
    event: screening,
    destination: { id: 'dst_1', eventTypes: ['all'] },
    attempt,
    sentAt,
    keys: keys ?? { secrets: [] },
    options,
  })
  if (!message) throw new Error(`there is no wire format ${format}`)
  return message
}

const standardFormats = ['standard-webhooks', 'cloudevents', 'dataspike'] as const
const textFormats = ['kyc-webhooks', 'smart-kyc'] as const
type Format = (typeof standardFormats)[number] | (typeof textFormats)[number]
const secretsOf = (format: string) =>
  standardFormats.some((name) => name === format) ? standardSecrets : textSecrets
const publicKey = derivePublicKey(privateKey)

/** The reason of the refusal. */
async function refusal(request: Parameters<typeof verify>[0], options: VerifyOptions): Promise<string> {
  const error: unknown = await verify(request, { now: sentAt, ...options }).catch((thrown: unknown) => thrown)
  if (!(error instanceof SignatureError)) throw new Error('it was not refused', { cause: error })
  return error.reason
}

const formats: readonly Format[] = [...standardFormats, ...textFormats]

it('every wire format of the product is verified', () => {
  expect([...formats].sort()).toEqual([...wireFormatNames].sort())
})

describe.each(formats)('%s', (format) => {
  const { newer, older } = secretsOf(format)
  const message = sign(format, { keys: { secrets: [newer] } })

  it('is returned with the event’s id and the body', async () => {
    const { id, body } = await verify(message, { secrets: newer, format, now: sentAt })
    expect([id, body]).toEqual([screening.id, JSON.parse(message.body)])
  })

  it('may be a Request, bytes, or the headers of Node.js and Express', async () => {
    const { headers, body } = message
    const bytes = Buffer.from(body)
    const lowerCased = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value]]),
    )
    const requests = [
      new Request('https://receiver.example/hook', { method: 'POST', headers, body }),
      { headers: new Headers(headers), body: bytes },
      { headers: lowerCased, body: new Uint8Array(bytes).buffer },
    ]
    for (const request of requests)
      expect(await verify(request, { secrets: newer, format, now: sentAt })).toMatchObject({
        id: screening.id,
      })
  })

  it('is accepted with either secret during a rotation, and with neither of two others', async () => {
    for (const attempt of [1, 2]) {
      const rotated = sign(format, { keys: { secrets: [newer, older] }, attempt })
      expect(await verify(rotated, { secrets: [older, newer], format, now: sentAt })).toBeDefined()
    }
    expect(await refusal(message, { secrets: older, format })).toBe('signature_mismatch')
  })

  it('is refused if its body is changed', async () => {
    const body = message.body.replace('0.82', '0.12')
    expect(body).not.toBe(message.body)
    expect(await refusal({ ...message, body }, { secrets: newer, format })).toBe('signature_mismatch')
    expect(await refusal({ ...message, body: `${message.body} ` }, { secrets: newer, format })).toBe(
      'signature_mismatch',
    )
  })

  it('is refused without its signature, or with one that is not well-formed', async () => {
    const name = Object.keys(message.headers).find((one) => /signature$/i.test(one)) ?? ''
    const { [name]: _signature, ...unsigned } = message.headers
    expect(await refusal({ ...message, headers: unsigned }, { secrets: newer, format })).toBe(
      'header_missing',
    )
    for (const value of ['v1,', 'sha256=', 'x', 'v1,====', 'sha256=zz']) {
      const forged = { ...message, headers: { ...unsigned, [name]: value } }
      expect(await refusal(forged, { secrets: newer, format })).toMatch(
        /^(header_malformed|signature_mismatch)$/,
      )
    }
  })

  it.each<[what: string, secrets: string | string[]]>([
    ['none', []],
    ['an empty one', ''],
  ])('needs a secret, not %s', async (_what, secrets) => {
    await expect(verify(message, { secrets, format, now: sentAt })).rejects.toThrow(TypeError)
  })

  it('needs the raw body', async () => {
    const parsed = { headers: message.headers, body: JSON.parse(message.body) as string }
    await expect(verify(parsed, { secrets: newer, format, now: sentAt })).rejects.toThrow('raw request body')
  })
})

describe.each(standardFormats)('%s', (format) => {
  const secrets = standardSecrets.newer
  const message = sign(format, { keys: { secrets: [secrets] } })

  it.each([-300, 300])('is accepted %i seconds from the time of the attempt', async (seconds) => {
    const now = new Date(Math.floor(sentAt.getTime() / 1000) * 1000 + seconds * 1000)
    expect(await verify(message, { secrets, format, now })).toBeDefined()
  })

  it.each([-302, 302])('is refused %i seconds from it, unless the tolerance is greater', async (seconds) => {
    const now = new Date(sentAt.getTime() + seconds * 1000)
    expect(await refusal(message, { secrets, format, now })).toBe('timestamp_out_of_tolerance')
    expect(await verify(message, { secrets, format, now, toleranceSeconds: 400 })).toBeDefined()
  })

  it.each([
    ['webhook-timestamp', '1795262401', 'signature_mismatch'],
    ['webhook-timestamp', '1795262400.0', 'header_malformed'],
    ['webhook-id', 'evt_other', 'signature_mismatch'],
  ])('is refused if %s is changed to %s', async (name, value, reason) => {
    const headers = { ...message.headers, [name]: value }
    expect(await refusal({ ...message, headers }, { secrets, format })).toBe(reason)
  })

  it('is accepted with the public key of its v1a signature, during a rotation too', async () => {
    const keys = { secrets: [secrets], privateKeys: [olderPrivateKey, privateKey] }
    const signed = sign(format, { keys, options: { signatures: ['v1', 'v1a'] } })
    expect(await verify(signed, { secrets: publicKey, format, now: sentAt })).toBeDefined()
    const changed = { ...signed, body: signed.body.replace('0.82', '0.12') }
    expect(await refusal(changed, { secrets: publicKey, format })).toBe('signature_mismatch')
  })

  it('is refused with a public key if it has only HMACs, whatever they are', async () => {
    const forged = sign(format, { keys: { secrets: [publicKey.replace('whpk_', 'whsec_')] } })
    expect(await refusal(forged, { secrets: publicKey, format })).toBe('signature_mismatch')
  })
})

describe('signatures that others made', () => {
  const headers = { 'webhook-id': screening.id, 'webhook-timestamp': '1795262400' }

  it('by the standardwebhooks package', async () => {
    const signature = new Webhook(standardSecrets.newer).sign(screening.id, sentAt, screeningBody)
    const request = { headers: { ...headers, 'webhook-signature': signature }, body: screeningBody }
    expect((await verify(request, { secrets: standardSecrets.newer, now: sentAt })).body.type).toBe(
      screening.type,
    )
  })

  it.each(['newer', 'older', 'v1a'] as const)('by Python, as printed in the samples: %s', async (name) => {
    const signature = `v2,Zm9v ${standardSignatures['standard-webhooks'][name]}`
    const request = { headers: { ...headers, 'webhook-signature': signature }, body: screeningBody }
    const secrets = name === 'v1a' ? publicKey : standardSecrets[name]
    expect(await verify(request, { secrets, now: sentAt })).toMatchObject({ id: screening.id })
  })

  it.each(['timestamp.body', 'body'] as const)(
    'by Python, for kyc-webhooks that sign %s',
    async (signedContent) => {
      const request = {
        headers: {
          'X-Webhook-ID': session.id,
          'X-Webhook-Timestamp': '1768986190',
          'X-Webhook-Signature': hexSignatures[signedContent].newer,
        },
        body: sessionBody,
      }
      const options = { secrets: textSecrets.newer, format: 'kyc-webhooks', signedContent } as const
      expect((await verify(request, options)).body.created).toBe(1768986190)
      const other = signedContent === 'body' ? 'timestamp.body' : 'body'
      expect(await refusal(request, { ...options, signedContent: other })).toBe('signature_mismatch')
    },
  )
})

it('a body that is signed and not JSON is refused', async () => {
  const signature = new Webhook(standardSecrets.newer).sign('evt_1', sentAt, 'hello')
  const headers = { 'webhook-id': 'evt_1', 'webhook-timestamp': '1795262400', 'webhook-signature': signature }
  expect(await refusal({ headers, body: 'hello' }, { secrets: standardSecrets.newer })).toBe('body_malformed')
})
