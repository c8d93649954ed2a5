import { describe, expect, it } from 'vitest'
import { sharedStack } from '../../support/shared-stack.ts'
import { adminKey, apiOf, makeKey, makeTenant, type Api } from '../../support/stack.ts'

/** Keys that a tenant makes by a key of its own. */
const stack = sharedStack({ workers: false })

interface Key {
  id: string
  key: string
  expiresAt?: string
  environment: string
  scopes: string[]
}

const hours = (count: number) => new Date(Date.now() + count * 3_600_000).toISOString()
const make = async (api: Api, body: object) => (await api.post('/keys', body).expect(201)).body as Key
const listed = async (api: Api) => ((await api.get('/keys').expect(200)).body as { data: Key[] }).data

/** A key of the tenant with these scopes, and an expiry if one is given. */
async function keyWith(tenantId: string, given: object) {
  const platform = apiOf(stack.app, adminKey)
  const { body } = await platform
    .post(`/tenants/${tenantId}/keys`, { environment: 'sandbox', ...given })
    .expect(201)
  const { id, key } = body as Key
  return { id, key, api: apiOf(stack.app, key) }
}

describe('a key made by a tenant', () => {
  it('is shown once, works, is listed without itself, and is of the asking key’s environment', async () => {
    const { api, id, keyId } = await makeTenant(stack, 'sandbox')
    const live = await makeKey(stack, id, 'production')
    const made = await make(api, { name: 'Reader', scopes: ['rules:read'] })
    expect(made).toMatchObject({ environment: 'sandbox', scopes: ['rules:read'], name: 'Reader' })
    expect(made.key).toMatch(/^sk_test_[\w-]{43}$/)
    await apiOf(stack.app, made.key).get('/rules').expect(200)
    await apiOf(stack.app, made.key).get('/templates').expect(403)
    const { key, ...shown } = made
    const list = await listed(api)
    expect(list).toMatchObject([shown, { id: keyId }])
    expect(JSON.stringify(list)).not.toContain(key)
    expect((await listed(live.api)).map((one) => one.id)).toEqual([live.keyId])
  })

  it('may do no more than the asking key: 403 names the scope that is too much', async () => {
    const { id } = await makeTenant(stack)
    const { api } = await keyWith(id, { scopes: ['keys:write', 'events:read', 'rules:write'] })
    for (const [wanted, lacking] of [
      [['*'], '*'],
      [['rules:write', 'rules:read'], 'rules:read'],
      [['settings:write'], 'settings:write'],
      [['keys:read'], 'keys:read'],
    ] as const) {
      const { body } = await api.post('/keys', { scopes: wanted }).expect(403)
      expect(body).toMatchObject({
        detail: expect.stringContaining(`lacks the scope ${lacking} and`) as string,
      })
    }
    const made = await make(api, { scopes: ['replays:read', 'rules:write', 'keys:write'] })
    await apiOf(stack.app, made.key).get('/replays').expect(200)
    await apiOf(stack.app, made.key).get('/events').expect(403)
  })

  it('lives no longer than the asking key, by default as long', async () => {
    const { id } = await makeTenant(stack)
    const end = hours(2)
    const { api } = await keyWith(id, { expiresAt: end })
    expect(await make(api, { scopes: ['*'] })).toMatchObject({ expiresAt: end })
    const sooner = hours(1)
    expect(await make(api, { scopes: ['*'], expiresAt: sooner })).toMatchObject({ expiresAt: sooner })
    const { body } = await api.post('/keys', { scopes: ['*'], expiresAt: hours(3) }).expect(422)
    expect(body).toMatchObject({ errors: [{ path: 'expiresAt' }] })
  })

  it.each([
    [{}, 'scopes'],
    [{ scopes: [] }, 'scopes'],
    [{ scopes: ['rules:read', 'rules:read'] }, 'scopes'],
    [{ scopes: ['rules:erase'] }, 'scopes.0'],
    [{ scopes: ['*'], environment: 'production' }, 'environment'],
    [{ scopes: ['*'], expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
  ])('422 for %j', async (body, path) => {
    const { api } = await makeTenant(stack)
    expect((await api.post('/keys', body).expect(422)).body).toMatchObject({ errors: [{ path }] })
  })

  it('409 from the hundredth in force on, until one is revoked', async () => {
    const { api, id, keyId } = await makeTenant(stack)
    const row = { tenantId: id, environment: 'sandbox', lastFour: 'more', scopes: ['*'] }
    const more = Array.from({ length: 99 }, (_, at) => ({
      ...row,
      id: `key_${id}_${at}`,
      hash: `${id}_${at}`,
    }))
    await stack.db.apiKey.createMany({ data: more })
    const { body } = await api.post('/keys', { scopes: ['*'] }).expect(409)
    expect(body).toMatchObject({ code: 'limit_reached' })
    await api.post(`/keys/${keyId}/rotate`).expect(409)
    await api.delete(`/keys/${more[0]?.id}`).expect(204)
    await api.post('/keys', { scopes: ['*'] }).expect(201)
  })
})

describe('revoking by a tenant’s key', () => {
  it('is at once and once; another environment’s and another tenant’s are a 404, and go on', async () => {
    const { api, id } = await makeTenant(stack)
    const [live, other] = [await makeKey(stack, id, 'production'), await makeTenant(stack)]
    const made = await make(api, { scopes: ['rules:read'] })
    await api.delete(`/keys/${made.id}`).expect(204)
    await apiOf(stack.app, made.key).get('/rules').expect(401)
    await api.delete(`/keys/${made.id}`).expect(404)
    for (const { keyId, api: theirs } of [live, other]) {
      await api.delete(`/keys/${keyId}`).expect(404)
      await api.post(`/keys/${keyId}/rotate`).expect(404)
      await theirs.get('/rules').expect(200)
    }
  })

  it('may be of the asking key itself, which is the last that it does', async () => {
    const { api, keyId } = await makeTenant(stack)
    await api.delete(`/keys/${keyId}`).expect(204)
    await api.delete(`/keys/${keyId}`).expect(401)
  })
})

describe('rotating by a tenant’s key', () => {
  it('takes itself or a weaker one, and 403 for one that may do more', async () => {
    const { id, keyId } = await makeTenant(stack)
    const asking = await keyWith(id, { scopes: ['keys:write', 'events:read'] })
    const { body } = await asking.api.post(`/keys/${keyId}/rotate`).expect(403)
    expect(body).toMatchObject({ detail: expect.stringContaining('lacks the scope *') as string })
    const weaker = await keyWith(id, { scopes: ['deliveries:read'] })
    const rotated = (await asking.api.post(`/keys/${weaker.id}/rotate`).expect(201)).body as Key
    expect(rotated).toMatchObject({ scopes: ['deliveries:read'] })
    await asking.api.post(`/keys/${asking.id}/rotate`).expect(201)
  })

  it('makes nothing that outlives the asking key: 422', async () => {
    const { id } = await makeTenant(stack)
    const [asking, lasting] = [await keyWith(id, { expiresAt: hours(2) }), await keyWith(id, {})]
    for (const [target, body] of [
      [lasting, {}],
      [asking, { expiresAt: hours(3) }],
    ] as const) {
      const answer = await asking.api.post(`/keys/${target.id}/rotate`, body).expect(422)
      expect(answer.body).toMatchObject({ errors: [{ path: 'expiresAt' }] })
    }
    await asking.api.post(`/keys/${asking.id}/rotate`).expect(201)
  })
})
