import { createHmac } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Environment } from '../../src/domain/event.ts'
import { startReceiver, statuses, type Received } from '../support/servers/receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import {
  adminKey,
  apiOf,
  makeKey,
  makeTenant,
  settledLog,
  untilTestEnds,
  type Api,
} from '../support/stack.ts'

const stack = sharedStack()
let platform: Api
beforeAll(() => {
  platform = apiOf(stack.app, adminKey)
})

interface Rotated {
  apiSecret: string
  previousEndsAt: string
}

const rotate = async (api: Api, body?: object) =>
  (await api.post('/tenant/api-secret/rotate', body).expect(201)).body as Rotated

const hmac = (secret = '', { body }: Pick<Received, 'body'>) =>
  createHmac('sha256', secret).update(body).digest('hex')

/** What one event's attempts were signed with, in their order; the receiver refuses all but the last. */
async function signers(api: Api, attempts: number, secrets: Record<string, string | undefined>) {
  const receiver = untilTestEnds(await startReceiver(statuses(...Array<number>(attempts - 1).fill(500))))
  const { id } = (
    await api
      .post('/destinations', {
        name: 'Smart KYC receiver',
        channel: 'webhook',
        config: { url: receiver.url, wireFormat: 'smart-kyc' },
        subscription: { eventTypes: ['submission.created'] },
        delivery: { schedule: ['0s', ...Array<string>(attempts - 1).fill('10ms')] },
      })
      .expect(201)
  ).body as { id: string }
  const posted = await api.post('/events', { type: 'submission.created', data: {} }).expect(202)
  expect(await settledLog(api, (posted.body as { id: string }).id)).toMatchObject({ status: 'delivered' })
  await api.delete(`/destinations/${id}`).expect(204)
  expect(receiver.received).toHaveLength(attempts)
  return receiver.received.map((request) => {
    const signed = request.headers['x-smartkyc-signature']
    const [name] = Object.entries(secrets).find(([, secret]) => signed === hmac(secret, request)) ?? []
    return name ?? 'none of them'
  })
}

/**
 * Tenants to do two things to at once. Ten are made at once for five, so that the database has a connection open for every
 * one of the ten calls: else the first is done before the second begins.
 */
const makeFiveTenants = async (environment: Environment) =>
  (await Promise.all(Array.from({ length: 10 }, () => makeTenant(stack, environment)))).slice(0, 5)

describe('the API secret', () => {
  it('comes with an environment’s first key and never again', async () => {
    const { id, keyId, apiSecret } = await makeTenant(stack, 'sandbox')
    expect(apiSecret).toMatch(/^apisec_[\w-]{43}$/)
    expect((await makeKey(stack, id, 'sandbox')).apiSecret).toBeUndefined()
    const live = await makeKey(stack, id, 'production')
    expect(live.apiSecret).toMatch(/^apisec_[\w-]{43}$/)
    expect(live.apiSecret).not.toBe(apiSecret)
    expect((await makeKey(stack, id, 'production')).apiSecret).toBeUndefined()
    expect((await makeTenant(stack, 'sandbox')).apiSecret).not.toBe(apiSecret)

    await platform.delete(`/tenants/${id}/keys/${keyId}`).expect(204)
    expect((await makeKey(stack, id, 'sandbox')).apiSecret).toBeUndefined()
  })

  it('is made once when two first keys are made at once, and it is the one that signs', async () => {
    const tenants = await makeFiveTenants('production')
    const made = await Promise.all(
      tenants.map(({ id }) => Promise.all([makeKey(stack, id, 'sandbox'), makeKey(stack, id, 'sandbox')])),
    )
    for (const keys of made) {
      const [apiSecret, ...others] = keys.flatMap((key) => key.apiSecret ?? [])
      expect(apiSecret).toMatch(/^apisec_/)
      expect(others).toEqual([])
      expect(await signers(keys[0].api, 1, { apiSecret })).toEqual(['apiSecret'])
    }
  })

  it('is encrypted at rest and in no other answer', async () => {
    const { id, api, apiSecret = '' } = await makeTenant(stack)
    const rotated = await rotate(api)
    const rows = JSON.stringify(await stack.db.apiSecret.findMany({ where: { tenantId: id } }))
    expect(rows).toContain('sealed')
    const shown = JSON.stringify([
      (await platform.get(`/tenants/${id}`).expect(200)).body,
      (await platform.get(`/tenants/${id}/keys`).expect(200)).body,
      (await api.get('/audit').expect(200)).body,
      (await api.get('/destinations').expect(200)).body,
      (await api.get('/tenant/settings').expect(200)).body,
    ])
    for (const secret of [apiSecret, rotated.apiSecret]) {
      expect(secret).toMatch(/^apisec_/)
      expect(rows + shown).not.toContain(secret.slice(7))
    }
  })
})

describe('POST /api/v1/tenant/api-secret/rotate', () => {
  it.each([
    [undefined, 24 * 3600],
    [{ overlap: '0s' }, 0],
    [{ overlap: '90m' }, 90 * 60],
    [{ overlap: '7d' }, 7 * 24 * 3600],
  ])('201 for %j: the new secret, and when the old one ends', async (body, seconds) => {
    const { api, apiSecret } = await makeTenant(stack)
    const before = Date.now()
    const rotated = await rotate(api, body)
    const after = Date.now()
    expect(Object.keys(rotated).sort()).toEqual(['apiSecret', 'previousEndsAt'])
    expect(rotated.apiSecret).toMatch(/^apisec_[\w-]{43}$/)
    expect(rotated.apiSecret).not.toBe(apiSecret)
    const endsAt = Date.parse(rotated.previousEndsAt)
    expect(endsAt).toBeGreaterThanOrEqual(before + seconds * 1000)
    expect(endsAt).toBeLessThanOrEqual(after + seconds * 1000)
  })

  it('attempts take turns while the secrets overlap: each receiver accepts one of them', async () => {
    const { api, apiSecret: first } = await makeTenant(stack)
    expect(await signers(api, 2, { first })).toEqual(['first', 'first'])
    const { apiSecret: second } = await rotate(api, { overlap: '1h' })
    expect(await signers(api, 3, { first, second })).toEqual(['second', 'first', 'second'])
    const { apiSecret: third } = await rotate(api, { overlap: '1h' })
    expect(await signers(api, 4, { first, second, third })).toEqual(['third', 'second', 'first', 'third'])
  })

  it('overlap 0s ends every earlier secret at once, one that still overlaps included', async () => {
    const { api, apiSecret: first } = await makeTenant(stack)
    const { apiSecret: second } = await rotate(api, { overlap: '1h' })
    const { apiSecret: third } = await rotate(api, { overlap: '0s' })
    expect(await signers(api, 3, { first, second, third })).toEqual(['third', 'third', 'third'])
  })

  it('a longer overlap does not give an ending secret more time', async () => {
    const { api, id } = await makeTenant(stack)
    const { previousEndsAt } = await rotate(api, { overlap: '1m' })
    await rotate(api, { overlap: '7d' })
    const rows = await stack.db.apiSecret.findMany({ where: { tenantId: id }, orderBy: { id: 'asc' } })
    expect(rows.map(({ expiresAt }) => expiresAt?.toISOString())).toEqual([
      previousEndsAt,
      expect.any(String),
      undefined,
    ])
  })

  it('two rotations at once leave exactly one secret that does not end', async () => {
    const tenants = await makeFiveTenants('sandbox')
    await Promise.all(tenants.flatMap(({ api }) => [rotate(api), rotate(api)]))
    for (const { id } of tenants) {
      const rows = await stack.db.apiSecret.findMany({ where: { tenantId: id } })
      expect(rows).toHaveLength(3)
      expect(rows.filter(({ expiresAt }) => expiresAt === null)).toHaveLength(1)
    }
  })

  it.each([
    ['8d', 'overlap'],
    ['x', 'overlap'],
    ['-1h', 'overlap'],
    ['1.5h', 'overlap'],
    [3600, 'overlap'],
    [null, 'overlap'],
  ])('422 for the overlap %j, and nothing is rotated', async (overlap, path) => {
    const { api, apiSecret } = await makeTenant(stack)
    const answer = await api.post('/tenant/api-secret/rotate', { overlap }).expect(422)
    expect(answer.body).toMatchObject({ errors: [{ path }] })
    const rotations = await api.get('/audit?action=api-secret.rotated').expect(200)
    expect(rotations.body).toEqual({ data: [], nextCursor: null })
    expect(await signers(api, 1, { apiSecret })).toEqual(['apiSecret'])
  })

  it('403 without settings:write, and nothing is rotated', async () => {
    const { api, id, apiSecret } = await makeTenant(stack)
    const others = ['settings:read', 'secrets:read', 'events:read', 'events:write']
    const reader = await makeKey(stack, id, 'sandbox', others)
    const writer = await makeKey(stack, id, 'sandbox', ['settings:write'])
    await reader.api.post('/tenant/api-secret/rotate').expect(403)
    expect(await signers(api, 1, { apiSecret })).toEqual(['apiSecret'])
    const rotated = await rotate(writer.api)
    expect(await signers(api, 1, { rotated: rotated.apiSecret })).toEqual(['rotated'])
  })

  it('is audited: by which key and from where, never what', async () => {
    const { api, id, keyId } = await makeTenant(stack)
    const writer = await makeKey(stack, id, 'sandbox', ['settings:write'])
    await rotate(api)
    await rotate(writer.api)
    const address = expect.stringMatching(/127\.0\.0\.1$|^::1$/) as string
    const entry = {
      action: 'api-secret.rotated',
      environment: 'sandbox',
      address,
      at: expect.any(String) as string,
      after: { previousEndsAt: expect.any(String) as string },
      sequence: expect.any(Number) as number,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    }
    const ask = '/audit?action=api-secret.rotated'
    const { body } = await api.get(ask).expect(200)
    expect(body).toEqual({
      data: [
        { ...entry, id: expect.stringMatching(/^aud_/) as string, keyId: writer.keyId },
        { ...entry, id: expect.stringMatching(/^aud_/) as string, keyId },
      ],
      nextCursor: null,
    })
    const live = await makeKey(stack, id, 'production')
    const stranger = await makeTenant(stack)
    for (const other of [live.api, stranger.api])
      expect((await other.get(ask).expect(200)).body).toEqual({ data: [], nextCursor: null })
  })

  it('leaves the other environment’s secret and another tenant’s alone', async () => {
    const { api, id, apiSecret } = await makeTenant(stack, 'sandbox')
    const live = await makeKey(stack, id, 'production')
    const stranger = await makeTenant(stack, 'sandbox')
    const ofProduction = () =>
      stack.db.apiSecret.findMany({ where: { tenantId: id, environment: 'production' } })
    const before = await ofProduction()
    expect(before).toMatchObject([{ expiresAt: null }])

    const rotated = await rotate(api, { overlap: '0s' })
    expect(await ofProduction()).toEqual(before)
    expect(await signers(stranger.api, 1, { theirs: stranger.apiSecret })).toEqual(['theirs'])

    await rotate(live.api, { overlap: '0s' })
    const secrets = { apiSecret, rotated: rotated.apiSecret }
    expect(await signers(api, 2, secrets)).toEqual(['rotated', 'rotated'])
  })
})
