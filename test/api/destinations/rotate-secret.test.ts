import { createHmac, createPublicKey, verify } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { startReceiver, status, type Received, type Receiver } from '../../support/servers/receiver.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { eventually, makeTenant, settledLog, untilTestEnds, type Api } from '../../support/stack.ts'

const stack = sharedStack()

interface Rotated {
  secret?: string
  publicKey?: string
  previousEndsAt: string
}
interface Destination {
  id: string
  secret?: string
  publicKey?: string
  previousSecretsEndAt?: string
}

const standardOwn = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='
const textOwn = 'a-plain-secret-of-our-own-0123'

const receiver = async (): Promise<Receiver> => untilTestEnds(await startReceiver())

/** A destination and its receiver; `more` adds to what is posted. */
async function withReceiver(api: Api, config: object = {}, more: object = {}) {
  const hook = await receiver()
  const { body } = await api
    .post('/destinations', {
      name: 'Case system',
      channel: 'webhook',
      config: { url: hook.url, ...config },
      subscription: { eventTypes: ['aml.*'] },
      ...more,
    })
    .expect(201)
  const { id, secret = '', publicKey = '' } = body as Destination
  return { hook, id, secret, publicKey }
}

async function rotate(api: Api, id: string, body: object = { overlap: '1h' }): Promise<Required<Rotated>> {
  const { body: rotated } = await api.post(`/destinations/${id}/rotate-secret`, body).expect(201)
  return rotated as Required<Rotated>
}
const revoke = async (api: Api, id: string) =>
  (await api.post(`/destinations/${id}/revoke-previous-secrets`).expect(200)).body as unknown
const read = async (api: Api, id: string) =>
  (await api.get(`/destinations/${id}`).expect(200)).body as Destination

async function post(api: Api): Promise<string> {
  const event = { type: 'aml.match.found', data: { riskLevel: 'high' } }
  return ((await api.post('/events', event).expect(202)).body as { id: string }).id
}

/** What the receiver got of one more event. */
async function deliver(api: Api, { received }: Receiver): Promise<Received> {
  const before = received.length
  expect(await settledLog(api, await post(api))).toMatchObject({ status: 'delivered' })
  const [request] = received.slice(before)
  if (!request) throw new Error('nothing arrived')
  return request
}

const signaturesOf = ({ headers }: Received) => (headers['webhook-signature'] as string).split(' ')

/** As a receiver verifies that was given this secret, by Standard Webhooks' own library. */
function verifies(secret: string, { body, headers }: Received): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>)
    return true
  } catch {
    return false
  }
}

/** As a receiver verifies `v1a` that was given this public key: any of the signatures will do. */
function verifiesByKey(publicKey: string, { body, headers }: Received): boolean {
  const x = Buffer.from(publicKey.slice('whpk_'.length), 'base64').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const content = `${headers['webhook-id'] as string}.${headers['webhook-timestamp'] as string}.${body}`
  const signatures = [...(headers['webhook-signature'] as string).matchAll(/(?<=v1a,)\S+/g)]
  return signatures.some(([text]) => verify(null, Buffer.from(content), key, Buffer.from(text, 'base64')))
}

describe('while a rotation overlaps', () => {
  it('receivers with the old secret and with the new one verify every message', async () => {
    const { api } = await makeTenant(stack)
    const { hook, id, secret: old } = await withReceiver(api)
    const earliest = Date.now()
    const { secret, previousEndsAt, ...more } = await rotate(api, id, {})
    expect(more).toEqual({})
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{44}$/)
    expect(secret).not.toBe(old)
    const dayMs = 24 * 3600 * 1000
    expect(Date.parse(previousEndsAt)).toBeGreaterThanOrEqual(earliest + dayMs)
    expect(Date.parse(previousEndsAt)).toBeLessThanOrEqual(Date.now() + dayMs)
    expect(await read(api, id)).toMatchObject({ previousSecretsEndAt: previousEndsAt })

    const request = await deliver(api, hook)
    expect(request.headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/)
    expect([verifies(old, request), verifies(secret, request)]).toEqual([true, true])
    const [newest = ''] = signaturesOf(request)
    const byNewest = { ...request, headers: { ...request.headers, 'webhook-signature': newest } }
    expect([verifies(old, byNewest), verifies(secret, byNewest)]).toEqual([false, true])
  })

  it('both key pairs sign, and the new public key is shown', async () => {
    const { api } = await makeTenant(stack)
    const { hook, id, ...old } = await withReceiver(api, { signatures: ['v1', 'v1a'] })
    const rotated = await rotate(api, id)
    expect(rotated.publicKey).toMatch(/^whpk_/)
    expect(rotated.publicKey).not.toBe(old.publicKey)
    expect((await read(api, id)).publicKey).toBe(rotated.publicKey)
    const request = await deliver(api, hook)
    expect(request.headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+ v1a,\S+ v1a,\S+$/)
    for (const { secret, publicKey } of [old, rotated])
      expect([verifies(secret, request), verifiesByKey(publicKey, request)]).toEqual([true, true])

    expect(await revoke(api, id)).toEqual({ revoked: 1 })
    const later = await deliver(api, hook)
    expect(later.headers['webhook-signature']).toMatch(/^v1,\S+ v1a,\S+$/)
    expect([verifiesByKey(old.publicKey, later), verifiesByKey(rotated.publicKey, later)]).toEqual([
      false,
      true,
    ])
  })

  it('hex formats take turns: the old secret gets the event at the second attempt', async () => {
    const { api } = await makeTenant(stack)
    const schedule = ['0s', '100ms', '100ms']
    const config = { wireFormat: 'kyc-webhooks' }
    const { hook, id, secret: old } = await withReceiver(api, config, { delivery: { schedule } })
    const { secret } = await rotate(api, id)
    const codesWith = async (known: string) => {
      hook.answer((response, { body, headers }) => {
        const content = `${headers['x-webhook-timestamp'] as string}.${body}`
        const expected = `sha256=${createHmac('sha256', known).update(content).digest('hex')}`
        response.writeHead(headers['x-webhook-signature'] === expected ? 200 : 401).end()
      })
      const { deliveries } = await settledLog(api, await post(api))
      return deliveries[0]?.attempts.map(({ responseCode }) => responseCode)
    }
    expect(await codesWith(secret)).toEqual([200])
    expect(await codesWith(old)).toEqual([401, 200])
    await revoke(api, id)
    expect(await codesWith(old)).toEqual([401, 401, 401])
  })

  it('an answer that echoes either secret is logged without it', async () => {
    const { api } = await makeTenant(stack)
    const { hook, id, secret: old } = await withReceiver(api)
    const { secret } = await rotate(api, id)
    hook.answer(status(200, {}, `expected ${old} or ${secret}, thank you`))
    const log = await settledLog(api, await post(api))
    expect(log.deliveries[0]?.attempts).toMatchObject([
      { responseExcerpt: 'expected [redacted] or [redacted], thank you' },
    ])
  })

  it('a config that is changed keeps it; a secret that is set by a change ends it', async () => {
    const { api } = await makeTenant(stack)
    const { hook, id, secret: old } = await withReceiver(api)
    const { secret } = await rotate(api, id)
    await api.patch(`/destinations/${id}`, { config: { headers: { 'X-Team': 'aml-token' } } }).expect(200)
    const during = await deliver(api, hook)
    expect([verifies(old, during), verifies(secret, during)]).toEqual([true, true])
    await api.patch(`/destinations/${id}`, { secret: standardOwn }).expect(200)
    expect(await read(api, id)).not.toHaveProperty('previousSecretsEndAt')
    const after = await deliver(api, hook)
    expect([verifies(old, after), verifies(secret, after), verifies(standardOwn, after)]).toEqual([
      false,
      false,
      true,
    ])
  })

  it('a wire format that a previous secret does not suit is signed by the new one alone', async () => {
    const { api } = await makeTenant(stack)
    const { hook, id } = await withReceiver(api, { wireFormat: 'kyc-webhooks' }, { secret: textOwn })
    const { secret } = await rotate(api, id)
    await api.patch(`/destinations/${id}`, { config: { wireFormat: 'standard-webhooks' } }).expect(200)
    const request = await deliver(api, hook)
    expect(signaturesOf(request)).toHaveLength(1)
    expect(verifies(secret, request)).toBe(true)
  })
})

describe('the previous secret signs no more', () => {
  it('once the overlap has ended, and signs until then', async () => {
    const { api } = await makeTenant(stack)
    const { hook, id, secret: old } = await withReceiver(api)
    const { secret, previousEndsAt } = await rotate(api, id, { overlap: '3s' })
    const last = await eventually(
      () => deliver(api, hook),
      (request) => signaturesOf(request).length === 1,
    )
    expect([verifies(old, last), verifies(secret, last)]).toEqual([false, true])
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(previousEndsAt))
    expect(await read(api, id)).not.toHaveProperty('previousSecretsEndAt')
    const before = hook.received.slice(0, -1)
    expect(before.every((request) => verifies(old, request) && verifies(secret, request))).toBe(true)
  })

  it('at once, with overlap 0s: those of earlier rotations neither', async () => {
    const { api } = await makeTenant(stack)
    const { hook, id, secret: oldest } = await withReceiver(api)
    const { secret: older } = await rotate(api, id, { overlap: '7d' })
    const { secret } = await rotate(api, id, { overlap: '0s' })
    expect(await read(api, id)).not.toHaveProperty('previousSecretsEndAt')
    const request = await deliver(api, hook)
    expect([oldest, older, secret].map((each) => verifies(each, request))).toEqual([false, false, true])
  })

  it('at once, when it is revoked', async () => {
    const { api } = await makeTenant(stack)
    const { hook, id, secret: oldest } = await withReceiver(api)
    const { secret: older } = await rotate(api, id)
    const { secret } = await rotate(api, id)
    expect(await revoke(api, id)).toEqual({ revoked: 2 })
    expect(await revoke(api, id)).toEqual({ revoked: 0 })
    expect(await read(api, id)).not.toHaveProperty('previousSecretsEndAt')
    const request = await deliver(api, hook)
    expect([oldest, older, secret].map((each) => verifies(each, request))).toEqual([false, false, true])
  })

  it('when a later rotation would have it sign for longer than its own', async () => {
    const { api } = await makeTenant(stack)
    const { hook, id, secret: oldest } = await withReceiver(api)
    const { secret: older } = await rotate(api, id, { overlap: '1s' })
    const { secret, previousEndsAt } = await rotate(api, id, { overlap: '1h' })
    const request = await eventually(
      () => deliver(api, hook),
      (sent) => signaturesOf(sent).length === 2,
    )
    expect([oldest, older, secret].map((each) => verifies(each, request))).toEqual([false, true, true])
    expect(await read(api, id)).toMatchObject({ previousSecretsEndAt: previousEndsAt })
    // And a later rotation that ends sooner takes the others with it.
    const sooner = await rotate(api, id, { overlap: '10m' })
    expect(await read(api, id)).toMatchObject({ previousSecretsEndAt: sooner.previousEndsAt })
  })

  it('when there are ten newer ones before it', async () => {
    const { api } = await makeTenant(stack)
    const { hook, id, secret: first } = await withReceiver(api)
    const secrets = [first]
    while (secrets.length < 12) secrets.push((await rotate(api, id)).secret)
    const request = await deliver(api, hook)
    expect(signaturesOf(request)).toHaveLength(11)
    expect(secrets.map((each) => verifies(each, request))).toEqual([false, ...Array<boolean>(11).fill(true)])
  })
})

describe('a secret of one’s own', () => {
  it('is taken and not shown, and the one before it overlaps', async () => {
    const { api } = await makeTenant(stack)
    const { hook, id, secret: old } = await withReceiver(api)
    expect(await rotate(api, id, { secret: standardOwn })).not.toHaveProperty('secret')
    const request = await deliver(api, hook)
    expect([verifies(old, request), verifies(standardOwn, request)]).toEqual([true, true])
  })

  it('may be one of the previous ones, which then signs once', async () => {
    const { api } = await makeTenant(stack)
    const { hook, id } = await withReceiver(api, {}, { secret: standardOwn })
    const { secret } = await rotate(api, id)
    await rotate(api, id, { secret: standardOwn })
    const request = await deliver(api, hook)
    expect(signaturesOf(request)).toHaveLength(2)
    expect([verifies(secret, request), verifies(standardOwn, request)]).toEqual([true, true])
    expect(await revoke(api, id)).toEqual({ revoked: 1 })
    expect(verifies(standardOwn, await deliver(api, hook))).toBe(true)
  })

  it('of a Smart KYC destination is rotated by itself; the tenant’s API secret does not come back', async () => {
    const { api, apiSecret = '' } = await makeTenant(stack)
    const { hook, id } = await withReceiver(api, { wireFormat: 'smart-kyc' }, { secret: textOwn })
    const { secret } = await rotate(api, id, { overlap: '0s' })
    const { body, headers } = await deliver(api, hook)
    const hex = (key: string) => createHmac('sha256', key).update(body).digest('hex')
    expect(headers['x-smartkyc-signature']).toBe(hex(secret))
    expect(headers['x-smartkyc-signature']).not.toBe(hex(apiSecret))
  })
})
