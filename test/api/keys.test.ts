import supertest from 'supertest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminKey, apiOf, makeKey, makeTenant, startStack, type Api, type Stack } from '../support/stack.ts'

let stack: Stack
let platform: Api
beforeAll(async () => {
  stack = await startStack({ workers: false })
  platform = apiOf(stack.app, adminKey)
})
afterAll(() => stack.stop())

describe('tenants', () => {
  it('201 with the default limits, then read, listed and changed', async () => {
    const { body } = await platform.post('/tenants', { name: 'Acme' }).expect(201)
    const { id } = body as { id: string }
    const limits = { apiPerMinute: 100, apiBurst: 200, ingestPerSecond: 100, emailsPerHour: 1000 }
    const defaults = { limits, redact: [], emailConsent: 'confirm' }
    expect(body).toEqual({ id, name: 'Acme', ...defaults, createdAt: expect.any(String) as string })
    expect((await platform.get(`/tenants/${id}`).expect(200)).body).toEqual(body)
    const changed = await platform.patch(`/tenants/${id}`, { limits: { apiBurst: 300 } }).expect(200)
    expect(changed.body).toMatchObject({ name: 'Acme', limits: { ...limits, apiBurst: 300 } })
    const list = (await platform.get('/tenants?limit=1').expect(200)).body as { data: { id: string }[] }
    expect(list.data.map((tenant) => tenant.id)).toEqual([id])
    await platform.get('/tenants/ten_nobody').expect(404)
  })

  it.each([
    [{}, 'name'],
    [{ name: 'A', limits: { apiBurst: 0 } }, 'limits.apiBurst'],
    [{ name: 'A', plan: 'gold' }, 'plan'],
  ])('422 for %j', async (tenant, path) => {
    const answer = await platform.post('/tenants', tenant).expect(422)
    expect(answer.body).toMatchObject({ errors: [{ path }] })
  })

  it('403 for a tenant’s key, and 403 for the platform key where a tenant’s is needed', async () => {
    const { api } = await makeTenant(stack)
    await api.post('/tenants', { name: 'Acme' }).expect(403)
    await api.get('/tenants').expect(403)
    await platform.get('/destinations').expect(403)
  })
})

describe('keys', () => {
  it('are shown once, stored hashed, and named by environment', async () => {
    const { id, key } = await makeTenant(stack, 'sandbox')
    const live = await makeKey(stack, id, 'production')
    expect(key).toMatch(/^sk_test_[\w-]{43}$/)
    expect(live.key).toMatch(/^sk_live_[\w-]{43}$/)
    const list = await platform.get(`/tenants/${id}/keys`).expect(200)
    expect(JSON.stringify(list.body)).not.toContain(key.slice(8))
    const rows = JSON.stringify(await stack.db.apiKey.findMany({ where: { tenantId: id } }))
    expect(rows).not.toContain(key.slice(8, -4))
  })

  it('401 once revoked, once expired, and for anything that is no key', async () => {
    const { id, keyId, key, api } = await makeTenant(stack)
    await api.get('/destinations').expect(200)
    await platform.delete(`/tenants/${id}/keys/${keyId}`).expect(204)
    const refused = await api.get('/destinations').expect(401)
    expect(refused.body).toMatchObject({ code: 'unauthorized' })
    expect(refused.headers['www-authenticate']).toBe('Bearer')
    await platform.delete(`/tenants/${id}/keys/${keyId}`).expect(404)

    const expired = await makeKey(stack, id, 'sandbox')
    await stack.db.apiKey.update({
      where: { id: expired.keyId },
      data: { expiresAt: new Date(Date.now() - 1) },
    })
    await expired.api.get('/destinations').expect(401)

    for (const authorization of [
      '',
      'Bearer',
      `Basic ${key}`,
      'Bearer sk_test_nobody',
      `Bearer ${'x'.repeat(5000)}`,
    ]) {
      await supertest(stack.app).get('/api/v1/destinations').set('Authorization', authorization).expect(401)
    }
  })

  it.each([
    [{}, 'environment'],
    [{ environment: 'staging' }, 'environment'],
    [{ environment: 'sandbox', scopes: ['everything'] }, 'scopes.0'],
    [{ environment: 'sandbox', expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
  ])('422 for %j', async (body, path) => {
    const { id } = await makeTenant(stack)
    const answer = await platform.post(`/tenants/${id}/keys`, body).expect(422)
    expect(answer.body).toMatchObject({ errors: [{ path }] })
  })
})

describe('rate limits', () => {
  it('429 with Retry-After past the burst; the platform key and other keys are not held up', async () => {
    const { body } = await platform
      .post('/tenants', { name: 'Busy', limits: { apiPerMinute: 3, apiBurst: 4 } })
      .expect(201)
    const { id } = body as { id: string }
    const busy = await makeKey(stack, id, 'sandbox')
    const other = await makeKey(stack, id, 'sandbox')
    for (let left = 3; left >= 0; left--) {
      const answer = await busy.api.get('/destinations').expect(200)
      expect(answer.headers.ratelimit).toMatch(new RegExp(`^"burst";r=${left};t=\\d+, "sustained";r=`))
    }
    const refused = await busy.api.get('/destinations').expect(429)
    expect(refused.body).toMatchObject({ code: 'rate_limited' })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    await other.api.get('/destinations').expect(200)
    await platform.get('/tenants').expect(200)
  })

  it('ingest has its own limit, and a batch counts each of its events', async () => {
    const { body } = await platform
      .post('/tenants', { name: 'Flood', limits: { ingestPerSecond: 5 } })
      .expect(201)
    const { api } = await makeKey(stack, (body as { id: string }).id, 'sandbox')
    const events = Array.from({ length: 6 }, () => ({ type: 'a.b', data: {} }))
    await api.post('/events/batch', { events }).expect(429)
    await api.get('/destinations').expect(200)
  })
})

it('an unknown route is a 404 of the same shape', async () => {
  const answer = await supertest(stack.app).get('/api/v1/nothing').expect(404)
  expect(answer.body).toMatchObject({ code: 'not_found', status: 404 })
  expect(answer.headers['content-type']).toMatch(/problem\+json/)
})
