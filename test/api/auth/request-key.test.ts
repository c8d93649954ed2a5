import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { routes } from '../../../src/api/app.ts'
import { createWebhook, nativeTwin } from '../../contracts/webhooks-client.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { adminKey, apiOf, makeKey, makeTenant } from '../../support/stack.ts'

/** Where a request may carry its key (Dataspike’s API reference, the Smart KYC document), and what a key may do. */
const stack = sharedStack({ workers: false })

const url = 'https://example.com/hook'
const ask = (path: string) => supertest(stack.app).get(path)
const list = '/api/v1/webhooks/'

describe('a key in a header', () => {
  it.each([
    ['Authorization', (key: string) => `Bearer ${key}`],
    ['authorization', (key: string) => `bearer ${key}`],
    ['X-API-Key', (key: string) => key],
    ['x-api-key', (key: string) => key],
    ['ds-api-token', (key: string) => key],
  ])('%s lets its tenant in, in both environments', async (name, value) => {
    for (const environment of ['sandbox', 'production'] as const) {
      const { api, key } = await makeTenant(stack, environment)
      const { id } = await createWebhook(api)
      const { body } = await ask(list).set(name, value(key)).expect(200)
      expect(body).toMatchObject({ webhooks: [{ id }] })
      await ask('/api/v3/notifications/webhook/history').set(name, value(key)).expect(200)
    }
  })

  it.each(['X-API-Key', 'ds-api-token'])('%s with anything that is no key is a 401', async (name) => {
    for (const value of ['', 'sk_test_nobody', 'x'.repeat(5000), 'Bearer']) {
      const { body } = await ask(list).set(name, value).expect(401)
      expect(body).toMatchObject({ code: 'unauthorized' })
    }
  })

  it.each(['X-API-Key', 'ds-api-token'])('%s takes the platform key', async (name) => {
    await ask('/api/v1/tenants').set(name, adminKey).expect(200)
    await ask(list).set(name, adminKey).expect(403)
  })

  it('goes before another in the URL, and a bad one is not made good by it', async () => {
    const [mine, other] = [await makeTenant(stack), await makeTenant(stack)]
    const { id } = await createWebhook(mine.api)
    const { body } = await ask(`${list}?api_key=${other.key}`).set('X-API-Key', mine.key).expect(200)
    expect(body).toMatchObject({ webhooks: [{ id }] })
    await ask(`${list}?api_key=${mine.key}`).set('X-API-Key', 'sk_test_nobody').expect(401)
    await ask(`${list}?api_key=${mine.key}`).set('Authorization', 'Bearer sk_test_nobody').expect(401)
    await ask(list).set('X-API-Key', mine.key).set('Authorization', 'Bearer sk_test_nobody').expect(401)
  })
})

describe('a key in the URL, as api_key', () => {
  it('of the sandbox lets its tenant in, to read and to write', async () => {
    const { api, key } = await makeTenant(stack)
    const made = await supertest(stack.app)
      .post(`${list}?api_key=${key}`)
      .send({ event_type: 'all', webhook_url: url })
      .expect(201)
    const { id } = made.body as { id: string }
    expect((await ask(`${list}?api_key=${key}`).expect(200)).body).toMatchObject({ webhooks: [{ id }] })
    await supertest(stack.app).delete(`${list}${id}/?api_key=${key}`).expect(200)
    await api.get(`/webhooks/${id}/`).expect(404)
  })

  it('of production is a 401 that says to use a header', async () => {
    const { key } = await makeTenant(stack, 'production')
    const { body } = await ask(`${list}?api_key=${key}`).expect(401)
    expect(body).toMatchObject({
      code: 'unauthorized',
      detail: expect.stringContaining('header') as string,
    })
    await ask(list).set('X-API-Key', key).expect(200)
  })

  it('of the platform is a 401', async () => {
    await ask(`/api/v1/tenants?api_key=${adminKey}`).expect(401)
    await ask('/api/v1/tenants').set('X-API-Key', adminKey).expect(200)
  })

  it('is a 401 where it is unknown, empty, given twice or revoked', async () => {
    const { id, key, keyId } = await makeTenant(stack)
    for (const query of ['api_key=sk_test_nobody', 'api_key=', 'api_key', `api_key=${key}&api_key=${key}`])
      await ask(`${list}?${query}`).expect(401)
    await ask(`${list}?api_key=${key}`).expect(200)
    await apiOf(stack.app, adminKey).delete(`/tenants/${id}/keys/${keyId}`).expect(204)
    await ask(`${list}?api_key=${key}`).expect(401)
  })

  it('stands beside a list’s parameters, and other unknown ones are still refused', async () => {
    const path = '/api/v1/webhooks/logs/?status=Success&limit=1'
    const { api, key } = await makeTenant(stack)
    await createWebhook(api)
    const byHeader = await ask(path).set('X-API-Key', key).expect(200)
    const byQuery = await ask(`${path}&api_key=${key}`).expect(200)
    expect(byQuery.body).toEqual(byHeader.body)
    const { body } = await ask(`${path}&api_key=${key}&apikey=x`).expect(422)
    expect((body as { errors: { path: string }[] }).errors.map((error) => error.path)).toEqual(['apikey'])
    await ask(`${path}&api_key=${key}`).set('X-API-Key', key).expect(200)
  })

  it('is taken by the routes of the adopted contract and by no other, where it is a 401 like any key', async () => {
    const { key } = await makeTenant(stack)
    const listed = Object.entries(routes).flatMap(([base, list]) => list.map((route) => ({ base, route })))
    const taking = listed.filter(({ route }) => route.queryKey).map(({ route }) => route.path)
    expect(new Set(taking)).toEqual(
      new Set([
        '/webhooks/',
        '/webhooks/:webhook_id/',
        '/webhooks/test/',
        '/webhooks/logs/',
        '/webhooks/logs/:log_id/',
        '/tenant/settings',
      ]),
    )
    // So many unknown keys at one app would be a 429.
    let app = stack.app
    for (const [at, { base, route }] of listed.entries()) {
      if (at % 25 === 0) app = stack.anotherApp({})
      const path = `${base}${route.path.replace(/:\w+/g, 'x')}`
      const askWith = (given: string) => supertest(app)[route.method](`${path}?api_key=${given}`)
      const [known, unknown] = [await askWith(key), await askWith('sk_test_nobody')]
      const taken = route.queryKey === true
      expect(known.status === 401, `${route.method} ${route.path}`).toBe(!taken)
      expect(unknown.status, `${route.method} ${route.path}`).toBe(401)
      if (!taken) expect(known.body).toEqual(unknown.body)
      if (!taken) expect(known.body).toMatchObject({ detail: expect.stringContaining('header') as string })
    }
  }, 90_000)
})

describe('no key', () => {
  it.each<['get' | 'post' | 'patch' | 'delete', string]>([
    ['post', list],
    ['get', list],
    ['get', `${list}some-id/`],
    ['patch', `${list}some-id/`],
    ['delete', `${list}some-id/`],
    ['post', `${list}test/`],
    ['get', `${list}logs/`],
    ['get', `${list}logs/1/`],
    ['post', '/api/v1/destinations/dst_1/test'],
    ['get', '/api/v1/event-types'],
  ])('is a 401 for %s %s', async (method, path) => {
    const { body, headers } = await supertest(stack.app)[method](path).expect(401)
    expect(body).toMatchObject({ status: 401, code: 'unauthorized' })
    expect(headers['www-authenticate']).toBe('Bearer')
  })
})

describe('a key’s scopes', () => {
  it('events:read reads events and logs, and gets 403 for settings and for every write', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const { id } = await createWebhook(api, { webhook_url: url })
    const twin = await nativeTwin(api, url)
    const { api: reader } = await makeKey(stack, tenantId, 'sandbox', ['events:read'])
    await reader.get('/events').expect(200)
    await reader.get('/webhooks/logs/').expect(200)
    await reader.get('/webhooks/logs/1/').expect(404)
    const refused = [
      reader.get('/webhooks/'),
      reader.get(`/webhooks/${id}/`),
      reader.post('/webhooks/', { event_type: 'all', webhook_url: url }),
      reader.patch(`/webhooks/${id}/`, { is_active: false }),
      reader.delete(`/webhooks/${id}/`),
      reader.post('/webhooks/test/', { webhook_url: url }),
      reader.post(`/destinations/${twin.id}/test`),
      reader.delete(`/destinations/${twin.id}`),
      reader.post('/events', { type: 'case.opened', data: {} }),
      reader.post('/events/evt_1/replay'),
    ]
    for (const answer of refused) expect((await answer.expect(403)).body).toMatchObject({ code: 'forbidden' })
    expect((await api.get(`/webhooks/${id}/`).expect(200)).body).toMatchObject({ is_active: true })
  })

  it('settings:read reads webhooks and changes none; settings:write changes them and sees none', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const { id } = await createWebhook(api)
    const { api: reader } = await makeKey(stack, tenantId, 'sandbox', ['settings:read'])
    await reader.get('/webhooks/').expect(200)
    await reader.get(`/webhooks/${id}/`).expect(200)
    await reader.get('/event-types').expect(200)
    await reader.patch(`/webhooks/${id}/`, { is_active: false }).expect(403)
    await reader.get('/webhooks/logs/').expect(403)
    const { api: writer } = await makeKey(stack, tenantId, 'sandbox', ['settings:write'])
    await writer.patch(`/webhooks/${id}/`, { is_active: false }).expect(200)
    await writer.get('/webhooks/').expect(403)
    await writer.delete(`/webhooks/${id}/`).expect(200)
  })
})
