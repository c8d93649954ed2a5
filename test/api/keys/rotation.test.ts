import { describe, expect, it } from 'vitest'
import { hashKey } from '../../../src/api/auth/authorize.ts'
import { adminKey, apiOf, makeTenant, stackOfFile } from '../../support/stack.ts'

const stack = stackOfFile({ workers: false })
const platform = () => apiOf(stack.app, adminKey)

interface Rotated {
  id: string
  key: string
  replaces: string
  previousEndsAt: string
}
interface Shown {
  id: string
  replacedBy?: string
  expiresAt?: string
}

const rotate = (path: string, body: object = {}) => platform().post(`${path}/rotate`, body)
const list = async (path: string) => ((await platform().get(path).expect(200)).body as { data: Shown[] }).data

describe('rotating a tenant’s key', () => {
  it('makes one that may do the same; both work until the overlap ends, then the new one only', async () => {
    const { id, keyId, api } = await makeTenant(stack, 'production', ['rules:read', 'keys:read'])
    const from = Date.now()
    const { body } = await rotate(`/tenants/${id}/keys/${keyId}`, { overlap: '2h' }).expect(201)
    const rotated = body as Rotated
    expect(rotated).toMatchObject({
      environment: 'production',
      scopes: ['rules:read', 'keys:read'],
      replaces: keyId,
      key: expect.stringMatching(/^sk_live_[\w-]{43}$/) as string,
    })
    const overlapMs = Date.parse(rotated.previousEndsAt) - from
    expect(overlapMs).toBeGreaterThanOrEqual(2 * 3_600_000)
    expect(overlapMs).toBeLessThan(2 * 3_600_000 + 60_000)
    const fresh = apiOf(stack.app, rotated.key)
    await Promise.all([api.get('/rules').expect(200), fresh.get('/rules').expect(200)])
    expect(await list(`/tenants/${id}/keys`)).toMatchObject([
      { id: rotated.id },
      { id: keyId, replacedBy: rotated.id, expiresAt: rotated.previousEndsAt },
    ])
    // As time passes.
    await stack.db.apiKey.update({ where: { id: keyId }, data: { expiresAt: new Date() } })
    await api.get('/rules').expect(401)
    await fresh.get('/rules').expect(200)
  })

  it('24h of overlap by default; 0s ends the previous at once', async () => {
    const { id, keyId, api } = await makeTenant(stack)
    const { body } = await rotate(`/tenants/${id}/keys/${keyId}`).expect(201)
    const { previousEndsAt, id: second } = body as Rotated
    expect(Date.parse(previousEndsAt) - Date.now()).toBeGreaterThan(23.9 * 3_600_000)
    await api.get('/rules').expect(200)
    const third = (await rotate(`/tenants/${id}/keys/${second}`, { overlap: '0s' }).expect(201))
      .body as Rotated
    await apiOf(stack.app, (body as Rotated).key)
      .get('/rules')
      .expect(401)
    await apiOf(stack.app, third.key).get('/rules').expect(200)
  })

  it('never lengthens the previous one’s life; the new one’s is the same unless another is given', async () => {
    const { id } = await makeTenant(stack)
    const soon = new Date(Date.now() + 3_600_000).toISOString()
    const later = new Date(Date.now() + 90_000_000).toISOString()
    for (const [given, expiresAt] of [
      [{}, soon],
      [{ expiresAt: later }, later],
    ] as const) {
      const made = await platform().post(`/tenants/${id}/keys`, { environment: 'sandbox', expiresAt: soon })
      const path = `/tenants/${id}/keys/${(made.body as Shown).id}`
      const { body } = await rotate(path, { overlap: '7d', ...given }).expect(201)
      expect(body).toMatchObject({ expiresAt, previousEndsAt: soon })
    }
  })

  it('409 for one that was replaced, has expired or was revoked, saying which', async () => {
    const { id, keyId } = await makeTenant(stack)
    const path = (key: string) => `/tenants/${id}/keys/${key}`
    const { id: second } = (await rotate(path(keyId)).expect(201)).body as Rotated
    const replaced = await rotate(path(keyId)).expect(409)
    expect(replaced.body).toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining(second) as string,
    })
    await stack.db.apiKey.update({ where: { id: second }, data: { expiresAt: new Date() } })
    const expired = await rotate(path(second)).expect(409)
    expect(expired.body).toMatchObject({ detail: expect.stringContaining('expired') as string })
    await platform().delete(path(second)).expect(204)
    const revoked = await rotate(path(second)).expect(409)
    expect(revoked.body).toMatchObject({ detail: expect.stringContaining('revoked') as string })
    await rotate(path('key_nobody')).expect(404)
  })

  it.each([
    [{ overlap: '8d' }, 'overlap'],
    [{ overlap: 'a day' }, 'overlap'],
    [{ expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    [{ scopes: ['*'] }, 'scopes'],
  ])('422 for %j', async (body, path) => {
    const { id, keyId } = await makeTenant(stack)
    const answer = await rotate(`/tenants/${id}/keys/${keyId}`, body).expect(422)
    expect(answer.body).toMatchObject({ errors: [{ path }] })
  })

  it('of two at once, one makes a key and the other is a 409', async () => {
    const { id, keyId } = await makeTenant(stack)
    const answers = await Promise.all([1, 2].map(() => rotate(`/tenants/${id}/keys/${keyId}`)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409])
    expect(await list(`/tenants/${id}/keys`)).toHaveLength(2)
  })
})

describe('platform keys', () => {
  const make = async (body: object = {}) =>
    (await platform().post('/platform-keys', body).expect(201)).body as Rotated
  const noAdminKey = () => stack.anotherApp({ adminKeyHash: undefined })

  it('are made, used, listed without themselves, rotated and revoked', async () => {
    const { key, ...made } = await make({ name: 'Deploy' })
    expect(key).toMatch(/^sk_platform_[\w-]{43}$/)
    const theirs = apiOf(stack.app, key)
    await theirs.get('/tenants').expect(200)
    expect(await list('/platform-keys')).toMatchObject([made])
    expect(JSON.stringify(await stack.db.apiKey.findMany())).not.toContain(key)
    const rotated = (await theirs.post(`/platform-keys/${made.id}/rotate`, { overlap: '0s' }).expect(201))
      .body
    await theirs.get('/tenants').expect(401)
    const fresh = apiOf(stack.app, (rotated as Rotated).key)
    await fresh.get('/tenants').expect(200)
    await fresh.delete(`/platform-keys/${(rotated as Rotated).id}`).expect(204)
    await fresh.get('/tenants').expect(401)
  })

  it('are a tenant’s key neither to see nor to make, and a tenant’s key is none of them', async () => {
    const { api, keyId } = await makeTenant(stack)
    const { id } = await make()
    await api.get('/platform-keys').expect(403)
    await api.post('/platform-keys').expect(403)
    await api.delete(`/keys/${id}`).expect(404)
    await platform().delete(`/platform-keys/${keyId}`).expect(404)
    await rotate(`/platform-keys/${keyId}`).expect(404)
  })

  it('409 for revoking the last that can be used, unless ADMIN_API_KEY is set', async () => {
    await stack.db.apiKey.deleteMany({ where: { tenantId: null } })
    const [first, second] = [await make(), await make()]
    const byFirst = apiOf(noAdminKey(), first.key)
    await byFirst.delete(`/platform-keys/${second.id}`).expect(204)
    const { body } = await byFirst.delete(`/platform-keys/${first.id}`).expect(409)
    expect(body).toMatchObject({ code: 'conflict' })
    // One that was rotated away ends by itself, so that it is nothing to fall back on.
    const fresh = (await byFirst.post(`/platform-keys/${first.id}/rotate`).expect(201)).body as Rotated
    await byFirst.delete(`/platform-keys/${fresh.id}`).expect(409)
    await byFirst.delete(`/platform-keys/${first.id}`).expect(204)
    await platform().delete(`/platform-keys/${fresh.id}`).expect(204)
  })

  it('of the last two revoked at once, one stays', async () => {
    await stack.db.apiKey.deleteMany({ where: { tenantId: null } })
    const [first, second] = [await make(), await make()]
    const app = noAdminKey()
    const answers = await Promise.all([
      apiOf(app, first.key).delete(`/platform-keys/${second.id}`),
      apiOf(app, second.key).delete(`/platform-keys/${first.id}`),
    ])
    const refused = answers.find(({ status }) => status !== 204)
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
    expect([401, 409]).toContain(refused?.status)
    expect(await stack.db.apiKey.count({ where: { tenantId: null, revokedAt: null } })).toBe(1)
  })
})

describe('the audit log', () => {
  it('has every key that was made, rotated and revoked, by whom, before and after, and never the key', async () => {
    const { id, keyId } = await makeTenant(stack)
    const rotated = (await rotate(`/tenants/${id}/keys/${keyId}`).expect(201)).body as Rotated
    await platform().delete(`/tenants/${id}/keys/${rotated.id}`).expect(204)
    const rows = await stack.db.auditEntry.findMany({ where: { tenantId: id }, orderBy: { sequence: 'asc' } })
    expect(rows).toMatchObject([
      { action: 'tenant.created', subject: id, environment: null },
      { action: 'key.created', subject: keyId, after: { id: keyId, scopes: ['*'] } },
      { action: 'key.created', subject: rotated.id },
      { action: 'key.rotated', subject: keyId, after: { replacedBy: rotated.id } },
      { action: 'key.revoked', subject: rotated.id, after: { revokedAt: expect.any(String) as string } },
    ])
    for (const row of rows)
      expect(row).toMatchObject({ keyId: 'ADMIN_API_KEY', address: expect.any(String) as string })
    expect(rows.slice(1).map(({ environment }) => environment)).toEqual(Array(4).fill('sandbox'))
    expect(JSON.stringify(rows)).not.toContain(rotated.key)
    expect(JSON.stringify(rows)).not.toContain(hashKey(rotated.key))
  })

  it('has a platform key’s under no tenant, and what was changed of a tenant', async () => {
    const { body } = await platform().post('/platform-keys').expect(201)
    const { id: subject } = body as Rotated
    const row = await stack.db.auditEntry.findFirst({ where: { subject } })
    expect(row).toMatchObject({ action: 'platform-key.created', tenantId: null, environment: null })
    const { id } = await makeTenant(stack)
    const change = { limits: { emailsPerHour: 5 }, redact: ['data.document.number'], emailConsent: 'confirm' }
    const changed = await platform().patch(`/tenants/${id}`, change).expect(200)
    expect(changed.body).toMatchObject(change)
    const entry = await stack.db.auditEntry.findFirst({ where: { tenantId: id, action: 'tenant.changed' } })
    expect(entry).toMatchObject({
      before: { limits: { emailsPerHour: 1000 }, redact: [], emailConsent: 'vouched' },
      after: change,
    })
  })
})
