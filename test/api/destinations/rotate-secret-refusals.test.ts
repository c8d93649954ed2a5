import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { channels } from '../../../src/channels/index.ts'
import { configFor, serviceUrl } from '../../support/channel-configs.ts'
import { startReceiver, type Received } from '../../support/servers/receiver.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeKey, makeTenant, settledLog, untilTestEnds, type Api } from '../../support/stack.ts'

const stack = sharedStack()

interface Destination {
  id: string
  secret: string
  publicKey?: string
  previousSecretsEndAt?: string
}

const rotatePath = (id: string) => `/destinations/${id}/rotate-secret`
const revokePath = (id: string) => `/destinations/${id}/revoke-previous-secrets`
const textOwn = 'a-plain-secret-of-our-own-0123'

async function create(api: Api, config: object = {}, more: object = {}): Promise<Destination> {
  const given = {
    name: 'Case system',
    channel: 'webhook',
    config: { url: 'https://example.com/hook', ...config },
    subscription: { eventTypes: ['aml.*'] },
    ...more,
  }
  return (await api.post('/destinations', given).expect(201)).body as Destination
}
const read = async (api: Api, id: string) =>
  (await api.get(`/destinations/${id}`).expect(200)).body as Destination
const rotate = async (api: Api, id: string, body: object = { overlap: '1h' }) =>
  (await api.post(rotatePath(id), body).expect(201)).body as { secret: string; previousEndsAt: string }

/** The fields that a rotation is refused for, and what is said of them; nothing has changed. */
async function refusal(api: Api, id: string, body: object = {}) {
  const before = await read(api, id)
  const answer = await api.post(rotatePath(id), body).expect(422)
  expect(await read(api, id)).toEqual(before)
  return (answer.body as { errors: { path: string; message: string }[] }).errors
}

/** Posts one event and waits until it was delivered. */
async function deliver(api: Api): Promise<string> {
  const { body } = await api.post('/events', { type: 'aml.match.found', data: { n: 1 } }).expect(202)
  const { id } = body as { id: string }
  expect(await settledLog(api, id)).toMatchObject({ status: 'delivered' })
  return id
}

function verifies(secret: string, { body, headers }: Received): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>)
    return true
  } catch {
    return false
  }
}

describe('422, and nothing changes', () => {
  const bytes = (length: number) => `whsec_${Buffer.alloc(length, 7).toString('base64')}`
  it.each([
    ['standard-webhooks', 'too few bytes', bytes(23)],
    ['standard-webhooks', 'too many bytes', bytes(65)],
    ['cloudevents', 'a plain text', textOwn],
    ['dataspike', 'nothing', ''],
    ['kyc-webhooks', 'too few characters', 'fifteen-letters'],
    ['kyc-webhooks', 'a mask', '****************wxyz'],
    ['kyc-webhooks', 'too many characters', 'a'.repeat(257)],
  ])('at secret: %s and %s', async (wireFormat, _what, secret) => {
    const { api } = await makeTenant(stack)
    const { id } = await create(api, { wireFormat })
    expect(await refusal(api, id, { secret })).toMatchObject([{ path: 'secret' }])
  })

  it('at secret: the one that signs already', async () => {
    const { api } = await makeTenant(stack)
    const { id, secret } = await create(api)
    expect(await refusal(api, id, { secret })).toEqual([
      { path: 'secret', message: 'is already the current secret; send a different one' },
    ])
  })

  it.each(['8d', '-1s', '1w', 'soon', '', 3600, null])('at overlap: %j', async (overlap) => {
    const { api } = await makeTenant(stack)
    const { id } = await create(api)
    expect(await refusal(api, id, { overlap })).toMatchObject([{ path: 'overlap' }])
  })

  it('at channel: one that does not sign', async () => {
    const { api } = await makeTenant(stack)
    const unsigned = channels.filter(({ name }) => name !== 'webhook')
    expect(unsigned.length).toBeGreaterThan(1)
    for (const channel of unsigned) {
      const more = { channel: channel.name, config: configFor(channel, serviceUrl(channel)) }
      const { id } = await create(api, {}, more)
      expect(await refusal(api, id)).toMatchObject([{ path: 'channel' }])
    }
  })

  it('at config.wireFormat: the tenant’s API secret signs, and that one is to be rotated', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await create(api, { wireFormat: 'smart-kyc' })
    for (const body of [{}, { secret: textOwn }]) {
      const [problem, ...others] = await refusal(api, id, body)
      expect(others).toEqual([])
      expect(problem?.path).toBe('config.wireFormat')
      expect(problem?.message).toContain('POST /api/v1/tenant/api-secret/rotate')
    }
  })
})

it('404 for another tenant, for another environment and for no such destination', async () => {
  const { api, id: tenantId } = await makeTenant(stack)
  const { id } = await create(api)
  await rotate(api, id)
  const before = await read(api, id)
  const other = await makeTenant(stack)
  const production = await makeKey(stack, tenantId, 'production')
  for (const path of [rotatePath, revokePath]) {
    await other.api.post(path(id)).expect(404)
    await production.api.post(path(id)).expect(404)
    await api.post(path('dst_nobody')).expect(404)
  }
  expect(await read(api, id)).toEqual(before)
})

it('403 for a key that may only read settings', async () => {
  const { api, id: tenantId } = await makeTenant(stack)
  const { id } = await create(api)
  const reader = await makeKey(stack, tenantId, 'sandbox', ['settings:read', 'secrets:read'])
  for (const path of [rotatePath, revokePath]) await reader.api.post(path(id)).expect(403)
  expect(await read(api, id)).not.toHaveProperty('previousSecretsEndAt')
})

it('who rotated and who revoked is audited, and what was refused is not', async () => {
  const { api, keyId } = await makeTenant(stack)
  const { id: subject } = await create(api)
  await rotate(api, subject)
  await api.post(revokePath(subject)).expect(200)
  await refusal(api, subject, { secret: 'weak' })
  const { data } = (await api.get('/audit').expect(200)).body as { data: { action: string }[] }
  expect(data.filter(({ action }) => action.startsWith('destination-secret.'))).toMatchObject([
    { action: 'destination-secret.revoked', subject, keyId },
    { action: 'destination-secret.rotated', subject, keyId },
  ])
})

it('no secret is in any later answer, nor in the open in the database', async () => {
  const { api } = await makeTenant(stack)
  const { url } = untilTestEnds(await startReceiver())
  const { id, secret: old } = await create(api, { url, signatures: ['v1', 'v1a'] })
  const { secret } = await rotate(api, id)
  const own = `whsec_${Buffer.alloc(33, 7).toString('base64')}`
  const answers: unknown[] = [await rotate(api, id, { secret: own })]
  const eventId = await deliver(api)
  for (const path of [`/destinations/${id}`, '/destinations', '/audit', '/events', `/events/${eventId}`])
    answers.push((await api.get(path).expect(200)).body)
  answers.push((await api.patch(`/destinations/${id}`, { name: 'Renamed' }).expect(200)).body)
  answers.push(await stack.db.destination.findUnique({ where: { id } }))
  answers.push((await api.post(revokePath(id)).expect(200)).body)
  const text = JSON.stringify(answers)
  expect(text).toContain('"name":"Renamed"')
  for (const hidden of [old, secret, own, 'whsk_']) expect(text).not.toContain(hidden)
})

describe('at the same time', () => {
  it('rotations lose nothing: every secret that was ever shown signs', async () => {
    const { api } = await makeTenant(stack)
    const { url, received } = untilTestEnds(await startReceiver())
    const { id, secret: first } = await create(api, { url })
    const rotated = await Promise.all(Array.from({ length: 8 }, () => rotate(api, id)))
    const secrets = new Set([first, ...rotated.map(({ secret }) => secret)])
    expect(secrets.size).toBe(9)
    await deliver(api)
    const [request] = received
    expect(request?.headers['webhook-signature']).toMatch(/^(v1,\S+ ?){9}$/)
    for (const secret of secrets) expect(request && verifies(secret, request)).toBe(true)
  })

  it('a rotation and a change of the config both last', async () => {
    const { api } = await makeTenant(stack)
    const { url, received } = untilTestEnds(await startReceiver())
    const { id } = await create(api, { url })
    for (const round of [1, 2, 3, 4, 5]) {
      const headers = { 'X-Round': `round-${round}-token` }
      const [{ secret }] = await Promise.all([
        rotate(api, id),
        api.patch(`/destinations/${id}`, { config: { headers } }).expect(200),
      ])
      await deliver(api)
      const request = received.at(-1)
      expect(request?.headers).toMatchObject({ 'x-round': `round-${round}-token` })
      expect(request && verifies(secret, request)).toBe(true)
    }
  })
})
