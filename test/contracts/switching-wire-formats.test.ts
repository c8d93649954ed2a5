import { createHmac, createPublicKey, verify as verifyWithKey } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { channels } from '../../src/channels/index.ts'
import { configFor, serviceUrl } from '../support/channel-configs.ts'
import { startReceiver, type Received, type Receiver } from '../support/servers/receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { makeTenant, settledLog, untilTestEnds, type Api } from '../support/stack.ts'

const stack = sharedStack()

interface Destination {
  id: string
  config: { wireFormat: string }
  publicKey?: string
  secret?: string
}

const plain = 'a-plain-secret-of-our-own-0123'
const standard = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='

const given = (config: object, more: object = {}) => ({
  name: 'Case system',
  channel: 'webhook',
  config: { url: 'https://example.com/hook', ...config },
  subscription: { eventTypes: ['aml.*', 'kyc.*'] },
  ...more,
})

const receiver = async (): Promise<Receiver> => untilTestEnds(await startReceiver())
const create = async (api: Api, config: object, more?: object) =>
  (await api.post('/destinations', given(config, more)).expect(201)).body as Destination
const change = async (api: Api, id: string, patch: object) =>
  (await api.patch(`/destinations/${id}`, patch).expect(200)).body as Destination
const read = async (api: Api, id: string) =>
  (await api.get(`/destinations/${id}`).expect(200)).body as Destination

async function paths(answer: Promise<{ body: unknown }>): Promise<string[]> {
  return ((await answer).body as { errors: { path: string }[] }).errors.map(({ path }) => path)
}

/** What the receiver got of one more event. */
async function deliver(api: Api, { received }: Receiver): Promise<Received> {
  const before = received.length
  const { body } = await api
    .post('/events', { type: 'aml.match.found', data: { riskLevel: 'high' } })
    .expect(202)
  expect(await settledLog(api, (body as { id: string }).id)).toMatchObject({ status: 'delivered' })
  const [request, ...others] = received.slice(before)
  if (!request) throw new Error('nothing arrived')
  expect(others).toEqual([])
  return request
}

const isStandard = (secret: string | undefined, { body, headers }: Received) => {
  new Webhook(secret ?? '').verify(body, headers as Record<string, string>)
  return true
}
const hexOf = (secret: string, content: string) => createHmac('sha256', secret).update(content).digest('hex')
const isKyc = (secret: string, { body, headers }: Received) =>
  headers['x-webhook-signature'] ===
  `sha256=${hexOf(secret, `${headers['x-webhook-timestamp'] as string}.${body}`)}`
const isSmartKyc = (secret: string, { body, headers }: Received) =>
  headers['x-smartkyc-signature'] === hexOf(secret, body)

describe('a secret of one’s own and another wire format', () => {
  it('422 at config.wireFormat where it does not suit, and the old format goes on signing', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const { id } = await create(api, { url: hook.url, wireFormat: 'kyc-webhooks' }, { secret: plain })
    for (const wireFormat of ['standard-webhooks', 'cloudevents', 'dataspike']) {
      const answer = api.patch(`/destinations/${id}`, { config: { wireFormat } }).expect(422)
      expect(await paths(answer)).toEqual(['config.wireFormat'])
    }
    expect(await read(api, id)).toMatchObject({ config: { wireFormat: 'kyc-webhooks' } })
    expect(isKyc(plain, await deliver(api, hook))).toBe(true)
  })

  it('200 with secret null: a new one is made and shown, and it signs', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const { id, secret: shown } = await create(
      api,
      { url: hook.url, wireFormat: 'kyc-webhooks' },
      { secret: plain },
    )
    expect(shown).toBeUndefined()
    const { secret } = await change(api, id, { config: { wireFormat: 'standard-webhooks' }, secret: null })
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{44}$/)
    expect(await read(api, id)).not.toHaveProperty('secret')
    expect(isStandard(secret, await deliver(api, hook))).toBe(true)
  })

  it('200 with a new secret of one’s own that suits: it signs, and is not shown', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const { id } = await create(api, { url: hook.url, wireFormat: 'kyc-webhooks' }, { secret: plain })
    const wireFormat = 'standard-webhooks'
    const refused = api
      .patch(`/destinations/${id}`, { config: { wireFormat }, secret: `${plain}-2` })
      .expect(422)
    expect(await paths(refused)).toEqual(['secret'])
    expect(await change(api, id, { config: { wireFormat }, secret: standard })).not.toHaveProperty('secret')
    expect(isStandard(standard, await deliver(api, hook))).toBe(true)
  })

  it.each(['standard-webhooks', 'cloudevents', 'dataspike'])(
    '%s takes whsec_ and base64 of 24 to 64 bytes, and nothing else',
    async (wireFormat) => {
      const { api } = await makeTenant(stack)
      const bytes = (length: number) => `whsec_${Buffer.alloc(length, 7).toString('base64')}`
      for (const secret of [plain, bytes(23), bytes(65), standard.slice(6), `${standard} `]) {
        const answer = api.post('/destinations', given({ wireFormat }, { secret })).expect(422)
        expect(await paths(answer)).toEqual(['secret'])
      }
      for (const secret of [standard, bytes(24), bytes(64)])
        expect(await create(api, { wireFormat }, { secret })).not.toHaveProperty('secret')
    },
  )
})

describe('a secret that was made', () => {
  it('stays through every wire format that the destination signs itself, and is shown only once', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const { id, secret = '' } = await create(api, { url: hook.url })
    expect(secret).toMatch(/^whsec_/)
    expect(isStandard(secret, await deliver(api, hook))).toBe(true)
    for (const wireFormat of ['kyc-webhooks', 'cloudevents', 'dataspike']) {
      expect(await change(api, id, { config: { wireFormat } })).not.toHaveProperty('secret')
      const request = await deliver(api, hook)
      const signed = wireFormat === 'kyc-webhooks' ? isKyc(secret, request) : isStandard(secret, request)
      expect(signed, wireFormat).toBe(true)
    }
  })

  it('rests while smart-kyc signs with the API secret, and signs again afterwards', async () => {
    const { api, apiSecret = '' } = await makeTenant(stack)
    const hook = await receiver()
    const { id, secret } = await create(api, { url: hook.url })
    expect(await change(api, id, { config: { wireFormat: 'smart-kyc' } })).not.toHaveProperty('secret')
    expect(isSmartKyc(apiSecret, await deliver(api, hook))).toBe(true)
    const back = await change(api, id, { config: { wireFormat: 'standard-webhooks' } })
    expect(back).not.toHaveProperty('secret')
    expect(isStandard(secret, await deliver(api, hook))).toBe(true)
  })

  it('is made and shown when a destination leaves smart-kyc that never had one', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const { id } = await create(api, { url: hook.url, wireFormat: 'smart-kyc' })
    const { secret } = await change(api, id, { config: { wireFormat: 'standard-webhooks' } })
    expect(secret).toMatch(/^whsec_/)
    expect(isStandard(secret, await deliver(api, hook))).toBe(true)
  })
})

describe('signatures v1 and v1a', () => {
  /** As a receiver verifies `v1a`: ed25519 over `id.timestamp.body`, by the `whpk_…` that the API shows. */
  function isSignedByKey(publicKey: string | undefined, { headers, body }: Received): boolean {
    const x = Buffer.from(publicKey?.slice(5) ?? '', 'base64').toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    const content = `${headers['webhook-id'] as string}.${headers['webhook-timestamp'] as string}.${body}`
    const [signature = ''] = /(?<=v1a,)\S+/.exec(headers['webhook-signature'] as string) ?? []
    return verifyWithKey(null, Buffer.from(content), key, Buffer.from(signature, 'base64'))
  }

  it('the public key is shown in every answer and stays the same, whatever is changed', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const signatures = ['v1', 'v1a']
    const { id, publicKey, secret } = await create(api, { url: hook.url, signatures })
    expect(publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/)
    expect(secret).toMatch(/^whsec_/)
    const shown = async () => [
      (await read(api, id)).publicKey,
      ((await api.get('/destinations').expect(200)).body as { data: Destination[] }).data[0]?.publicKey,
    ]
    expect(await shown()).toEqual([publicKey, publicKey])
    const request = await deliver(api, hook)
    expect(request.headers['webhook-signature']).toMatch(/^v1,\S+ v1a,\S+$/)
    expect(isStandard(secret, request)).toBe(true)
    expect(isSignedByKey(publicKey, request)).toBe(true)
    expect(isSignedByKey(publicKey, { ...request, body: request.body.replace('high', 'low') })).toBe(false)

    for (const patch of [
      { name: 'Renamed' },
      { secret: null },
      { config: { wireFormat: 'cloudevents' } },
      { config: { signatures: ['v1a'] } },
      { config: { wireFormat: 'dataspike', signatures } },
      { secret: standard },
    ]) {
      expect((await change(api, id, patch)).publicKey).toBe(publicKey)
      expect(await shown()).toEqual([publicKey, publicKey])
      expect(isSignedByKey(publicKey, await deliver(api, hook)), JSON.stringify(patch)).toBe(true)
    }
    expect(JSON.stringify((await api.get('/destinations').expect(200)).body)).not.toContain('whsk_')
  })

  it('there is no public key until v1a is asked for, and every destination has its own', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const { id, publicKey: none } = await create(api, { url: hook.url })
    expect(none).toBeUndefined()
    const { publicKey, ...changed } = await change(api, id, { config: { signatures: ['v1a'] } })
    expect(changed).not.toHaveProperty('secret')
    const request = await deliver(api, hook)
    expect(request.headers['webhook-signature']).toMatch(/^v1a,\S+$/)
    expect(isSignedByKey(publicKey, request)).toBe(true)
    const other = await create(api, { signatures: ['v1a'] })
    expect(other.publicKey).toMatch(/^whpk_/)
    expect(other.publicKey).not.toBe(publicKey)
  })

  it.each<[what: string, config: object, path: string]>([
    ['signatures with smart-kyc', { wireFormat: 'smart-kyc', signatures: ['v1'] }, 'config.signatures'],
    [
      'signatures with kyc-webhooks',
      { wireFormat: 'kyc-webhooks', signatures: ['v1a'] },
      'config.signatures',
    ],
    ['no signature', { signatures: [] }, 'config.signatures'],
    ['the same signature twice', { signatures: ['v1', 'v1'] }, 'config.signatures'],
    ['an unknown signature', { signatures: ['v1', 'v2'] }, 'config.signatures.1'],
    ['signedContent with standard-webhooks', { signedContent: 'body' }, 'config.signedContent'],
    [
      'signedContent with smart-kyc',
      { wireFormat: 'smart-kyc', signedContent: 'body' },
      'config.signedContent',
    ],
    [
      'an unknown signedContent',
      { wireFormat: 'kyc-webhooks', signedContent: 'all' },
      'config.signedContent',
    ],
  ])('422 for %s, in a new destination and in a change', async (_what, config, path) => {
    const { api } = await makeTenant(stack)
    expect(await paths(api.post('/destinations', given(config)).expect(422))).toEqual([path])
    const { id } = await create(api, {})
    expect(await paths(api.patch(`/destinations/${id}`, { config }).expect(422))).toEqual([path])
  })

  it('a destination with v1a goes over to smart-kyc once its signatures are taken away', async () => {
    const { api, apiSecret = '' } = await makeTenant(stack)
    const hook = await receiver()
    const { id } = await create(api, { url: hook.url, signatures: ['v1', 'v1a'] })
    const config = { wireFormat: 'smart-kyc' }
    expect(await paths(api.patch(`/destinations/${id}`, { config }).expect(422))).toEqual([
      'config.signatures',
    ])
    await change(api, id, { config: { ...config, signatures: null } })
    expect(isSmartKyc(apiSecret, await deliver(api, hook))).toBe(true)
  })
})

it.each([
  ['a webhook', 'webhook', { url: 'https://example.com/hook' }],
  ['a Smart KYC webhook', 'webhook', { url: 'https://example.com/hook', wireFormat: 'smart-kyc' }],
  ['an email', 'email', { to: ['aml@example.com'] }],
])('422 names an empty secret for %s, like any other that does not suit', async (_what, channel, config) => {
  const { api } = await makeTenant(stack)
  const body = { name: 'On call', channel, config, subscription: { eventTypes: ['all'] } }
  expect(await paths(api.post('/destinations', { ...body, secret: '' }).expect(422))).toEqual(['secret'])
  const { id } = (await api.post('/destinations', body).expect(201)).body as Destination
  const answer = api.patch(`/destinations/${id}`, { secret: '' }).expect(422)
  expect(await paths(answer)).toEqual(['secret'])
})

const unsigned = channels.filter(({ name }) => name !== 'webhook')
it.each(unsigned.map((one) => [one.name, configFor(one, serviceUrl(one))] as const))(
  '422 names secret for a destination of the channel %s, which does not sign',
  async (channel, config) => {
    const { api } = await makeTenant(stack)
    const body = { name: 'On call', channel, config, subscription: { eventTypes: ['all'] } }
    expect(await paths(api.post('/destinations', { ...body, secret: plain }).expect(422))).toEqual(['secret'])
    const { id } = (await api.post('/destinations', body).expect(201)).body as Destination
    const answer = api.patch(`/destinations/${id}`, { secret: plain }).expect(422)
    expect(await paths(answer)).toEqual(['secret'])
  },
)
