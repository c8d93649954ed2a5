import supertest from 'supertest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMemoryCounters, createRateLimits } from '../../../src/api/auth/rate-limit.ts'
import { createSharedCounters } from '../../../src/db/limits/call-counters.ts'
import {
  adminKey,
  apiOf,
  eventually,
  makeKey,
  makeTenant,
  startStack,
  type Api,
  type Stack,
} from '../../support/stack.ts'

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
  async function makeBusyTenant(limits: object) {
    const { body } = await platform.post('/tenants', { name: 'Busy', limits }).expect(201)
    return body as { id: string }
  }

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

  it('more keys do not mean more calls: a tenant has three times the limit of a key, over all API processes', async () => {
    const { id } = await makeBusyTenant({ apiPerMinute: 3, apiBurst: 4 })
    const rateLimits = () => createRateLimits(createSharedCounters(stack.db))
    const apps = [
      stack.anotherApp({ rateLimits: rateLimits() }),
      stack.anotherApp({ rateLimits: rateLimits() }),
    ]
    const statuses: number[] = []
    for (let n = 0; n < 5; n++) {
      const { key } = await makeKey(stack, id, 'sandbox')
      for (const app of [...apps, ...apps]) statuses.push((await apiOf(app, key).get('/destinations')).status)
    }
    expect(statuses).toEqual([...Array<number>(12).fill(200), ...Array<number>(8).fill(429)])
  })

  it('a refused call counts nowhere: a key that goes on calling takes nothing from the tenant’s other keys', async () => {
    const { id } = await makeBusyTenant({ apiPerMinute: 3, apiBurst: 4 })
    const [loud, quiet] = [await makeKey(stack, id, 'sandbox'), await makeKey(stack, id, 'sandbox')]
    for (let n = 0; n < 20; n++) await loud.api.get('/destinations')
    for (let n = 0; n < 4; n++) await quiet.api.get('/destinations').expect(200)
  })

  it('ingest: a batch larger than a second’s worth is accepted, and what is refused costs nothing', async () => {
    const { id } = await makeBusyTenant({ ingestPerSecond: 10 })
    const { key } = await makeKey(stack, id, 'sandbox')
    const event = { type: 'a.b', data: {} }
    const events = Array.from({ length: 60 }, () => event)
    let retryAfterSeconds = 0
    for (const counters of [createMemoryCounters(), createSharedCounters(stack.db)]) {
      const api = apiOf(stack.anotherApp({ rateLimits: createRateLimits(counters) }), key)
      await api.post('/events/batch', { events }).expect(207)
      const refused = await api.post('/events', event).expect(429)
      expect(refused.body).toMatchObject({
        code: 'rate_limited',
        detail: expect.stringContaining('at most 10 events per second') as string,
      })
      for (let n = 0; n < 20; n++) await api.post('/events/batch', { events }).expect(429)
      retryAfterSeconds = Number(refused.headers['retry-after'])
    }
    const retryAt = Date.now() + 1000 * retryAfterSeconds
    await eventually(
      () => Promise.resolve(Date.now()),
      (now) => now >= retryAt,
      10_000,
    )
    const rateLimits = createRateLimits(createSharedCounters(stack.db))
    const api = apiOf(stack.anotherApp({ rateLimits }), key)
    await api.post('/events', event).expect(202)
    await api.get('/destinations').expect(200)
  })
})

it('an unknown route is a 404 of the same shape', async () => {
  const answer = await supertest(stack.app).get('/api/v1/nothing').expect(404)
  expect(answer.body).toMatchObject({ code: 'not_found', status: 404 })
  expect(answer.headers['content-type']).toMatch(/problem\+json/)
})
