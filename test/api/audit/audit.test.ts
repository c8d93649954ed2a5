import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readHead } from '../../../src/db/audit/audit.ts'
import { serviceChannels, serviceConfig, serviceUrl } from '../../support/channel-configs.ts'
import { adminKey, apiOf, makeKey, makeTenant, stackOfFile, type Api } from '../../support/stack.ts'

const stack = stackOfFile({ workers: false })
const platform = () => apiOf(stack.app, adminKey)

interface Entry {
  id: string
  at: string
  environment?: string
  action: string
  subject?: string
  keyId: string
  before?: Record<string, unknown>
  after?: Record<string, unknown>
  sequence?: number
  hash?: string
}

async function listed(api: Api, query = '', path = '/audit'): Promise<Entry[]> {
  const { body } = await api.get(`${path}?limit=100${query}`).expect(200)
  return (body as { data: Entry[] }).data
}

interface ShownHead {
  chain: string
  sequence: number
  hash: string | null
}

async function heads(api: Api, path = '/audit/head'): Promise<ShownHead[]> {
  return ((await api.get(path).expect(200)).body as { data: ShownHead[] }).data
}

const webhook = (more: object = {}) => ({
  name: 'Case system',
  channel: 'webhook',
  config: { url: 'https://example.com/hook' },
  subscription: { eventTypes: ['all'] },
  ...more,
})

async function create(api: Api, path: string, body: object): Promise<{ id: string; secret?: string }> {
  return (await api.post(path, body).expect(201)).body as { id: string; secret?: string }
}

const times = { statusAt: expect.any(String) as string, updatedAt: expect.any(String) as string }

describe('an entry', () => {
  it('shows what was made, which fields changed, and what was deleted', async () => {
    const { api } = await makeTenant(stack)
    const { secret, ...made } = await create(api, '/destinations', webhook())
    const { id } = made
    await api.patch(`/destinations/${id}`, { name: 'Case store', delivery: { timeoutMs: 5000 } }).expect(200)
    await api.post(`/destinations/${id}/pause`).expect(200)
    await api.delete(`/destinations/${id}`).expect(204)
    const [deleted, paused, changed, created] = await listed(api, `&subject=${id}`)
    expect(created).toMatchObject({
      action: 'destination.created',
      after: { ...made, secret: `****${secret?.slice(-4)}` },
    })
    expect(created).not.toHaveProperty('before')
    const schedule = ['0s', '5s', '5m', '30m', '2h', '5h', '10h', '14h', '20h', '24h']
    expect(changed).toMatchObject({ action: 'destination.changed' })
    expect(changed?.before).toEqual({ name: 'Case system', delivery: { schedule, timeoutMs: 10_000 } })
    expect(changed?.after).toEqual({ name: 'Case store', delivery: { schedule, timeoutMs: 5000 } })
    expect(paused).toMatchObject({ action: 'destination.paused' })
    expect(paused?.before).toEqual({ status: 'active' })
    expect(paused?.after).toEqual({ status: 'paused', statusReason: 'paused by the API' })
    expect(deleted).toMatchObject({
      action: 'destination.deleted',
      before: { id, name: 'Case store', ...times },
    })
    expect(deleted).not.toHaveProperty('after')
  })

  it('says that a secret changed although its mask is the same, and never what it is', async () => {
    const { api } = await makeTenant(stack)
    const config = (token: string) => ({
      config: { url: 'https://example.com/', headers: { 'X-Token': token } },
    })
    const { id } = await create(api, '/destinations', webhook(config('short-1')))
    await api.patch(`/destinations/${id}`, config('short-2')).expect(200)
    const [changed] = await listed(api, `&subject=${id}`)
    const masked = {
      config: { ...config('').config, headers: { 'X-Token': '****' }, wireFormat: 'standard-webhooks' },
    }
    expect(changed).toMatchObject({ action: 'destination.changed', before: masked, after: masked })
  })

  it('is not made by what changes nothing, nor by what is refused or a dry run', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await create(api, '/destinations', webhook())
    const rule = { name: 'R', when: { events: ['all'] }, steps: [{ deliver: { to: [id] } }] }
    const { id: ruleId } = await create(api, '/rules', rule)
    const before = await listed(api)
    await api.patch(`/destinations/${id}`, { name: 'Case system' }).expect(200)
    await api.post(`/destinations/${id}/resume`).expect(200)
    await api.post(`/rules/${ruleId}/enable`).expect(200)
    await api.patch(`/destinations/${id}`, { config: { url: 'no url' } }).expect(422)
    await api.post('/destinations', webhook({ name: '' })).expect(422)
    await api.delete('/rules/rul_none').expect(404)
    const document = { switchyard: 1, templates: [{ name: 'T', parts: { slack: { text: 'x' } } }] }
    await api.post('/configuration?dryRun=true', document).expect(200)
    expect(await listed(api)).toEqual(before)
  })

  it('of a rule that is switched and changed at once is two, each with its own', async () => {
    const { api } = await makeTenant(stack)
    const { id: to } = await create(api, '/destinations', webhook())
    const rule = { name: 'R', when: { events: ['all'] }, steps: [{ deliver: { to: [to] } }] }
    const { id } = await create(api, '/rules', rule)
    await api.patch(`/rules/${id}`, { name: 'S', enabled: false }).expect(200)
    const [disabled, changed] = await listed(api, `&subject=${id}`)
    expect(disabled).toMatchObject({
      action: 'rule.disabled',
      before: { enabled: true },
      after: { enabled: false },
    })
    expect(changed?.before).toEqual({ name: 'R', version: 1 })
    expect(changed?.after).toEqual({ name: 'S', version: 2 })
  })

  it('of an applied document stands beside those of what it changed', async () => {
    const { api } = await makeTenant(stack)
    const destinations = [webhook()]
    const templates = [{ name: 'T', parts: { slack: { text: 'x' } } }]
    await api.post('/configuration', { switchyard: 1, destinations, templates }).expect(200)
    const [applied, ...rest] = await listed(api)
    expect(applied).toMatchObject({
      action: 'configuration.applied',
      after: {
        changes: [
          { kind: 'destination', name: 'Case system', change: 'created' },
          { kind: 'template', name: 'T', change: 'created' },
        ],
      },
    })
    expect(rest.slice(0, 2).map(({ action }) => action)).toEqual(['template.created', 'destination.created'])
  })
})

it('no secret is in any entry, whichever way it came or was made', async () => {
  const { api, id, key, apiSecret } = await makeTenant(stack)
  const planted = (what: string) => `Planted-${what}-${randomUUID()}`
  const secrets: (string | undefined)[] = [key, apiSecret]
  const plant = (what: string) => {
    const secret = planted(what)
    secrets.push(secret)
    return secret
  }
  const own = () => {
    const secret = `whsec_${Buffer.from(randomUUID()).toString('base64')}`
    secrets.push(secret)
    return secret
  }
  const header = () => ({ config: { url: 'https://example.com/', headers: { 'X-Token': plant('header') } } })
  const services = serviceChannels.map(
    (channel) =>
      [
        channel.name,
        () => ({
          config: serviceConfig(channel, serviceUrl(channel, `/services/T00?sig=${plant(channel.name)}`))
            .config,
        }),
      ] as const,
  )
  const smtp = () => ({
    config: { to: ['a@example.com'], smtpUrl: `smtp://me:${plant('smtp')}@mail.example.com` },
  })

  const hook = await create(api, '/destinations', webhook({ ...header(), secret: own() }))
  await api.patch(`/destinations/${hook.id}`, { ...header(), secret: own() }).expect(200)
  secrets.push(
    ((await api.patch(`/destinations/${hook.id}`, { secret: null }).expect(200)).body as { secret?: string })
      .secret,
  )
  for (const body of [{}, { secret: own() }])
    secrets.push(
      (
        (await api.post(`/destinations/${hook.id}/rotate-secret`, body).expect(201)).body as {
          secret?: string
        }
      ).secret,
    )
  await api.post(`/destinations/${hook.id}/revoke-previous-secrets`).expect(200)
  for (const [channel, given] of [...services, ['email', smtp]] as const) {
    const made = await create(api, '/destinations', webhook({ channel, ...given() }))
    await api.patch(`/destinations/${made.id}`, given()).expect(200)
    await api.delete(`/destinations/${made.id}`).expect(204)
  }
  secrets.push(
    (
      (await api.post('/webhooks/', { event_type: 'all', webhook_url: 'https://example.com/' }).expect(201))
        .body as { secret_key: string }
    ).secret_key,
  )
  const settings = {
    webhook_url: 'https://example.com/',
    webhook_secret: plant('settings'),
    slack_webhook_url: `https://hooks.slack.com/services/T00/B00/${plant('slack')}`,
  }
  await api.patch('/tenant/settings', settings).expect(200)
  await api.post('/tenant/settings/reveal-secret').expect(200)
  await api
    .patch('/tenant/settings', { webhook_secret: plant('settings'), slack_webhook_url: null })
    .expect(200)
  secrets.push(
    ((await api.post('/tenant/api-secret/rotate').expect(201)).body as { apiSecret: string }).apiSecret,
  )
  const document = { switchyard: 1, destinations: [{ ...webhook(header()), name: 'From a document' }] }
  const applied = (await api.post('/configuration', document).expect(200)).body as {
    secrets: { secret: string }[]
  }
  secrets.push(...applied.secrets.map(({ secret }) => secret))
  const again = { switchyard: 1, destinations: [{ ...webhook(header()), name: 'From a document' }] }
  await api.post('/configuration?prune=true', again).expect(200)
  secrets.push((await makeKey(stack, id, 'production')).key)
  await api.delete(`/destinations/${hook.id}`)

  const rows = JSON.stringify(await stack.db.auditEntry.findMany())
  expect(rows).toContain('destination-secret.rotated')
  const known = secrets.flatMap((secret) => secret ?? [])
  expect(known.length).toBeGreaterThan(20)
  // Their ends may show, as masks do.
  for (const secret of known) expect(rows).not.toContain(secret.slice(0, -4))
})

describe('GET /audit', () => {
  it('is filtered by action, subject, key and time, and pages through what is left', async () => {
    const { api, id, keyId } = await makeTenant(stack)
    const other = await makeKey(stack, id, 'sandbox')
    const first = await create(api, '/destinations', webhook())
    const second = await create(other.api, '/destinations', webhook({ name: 'Second' }))
    await api.patch(`/destinations/${first.id}`, { name: 'First' }).expect(200)
    const subjects = async (query: string) => (await listed(api, query)).map(({ subject }) => subject)
    expect(await subjects('&action=destination.created')).toEqual([second.id, first.id])
    expect(await subjects(`&action=destination.created&keyId=${keyId}`)).toEqual([first.id])
    expect(await subjects(`&subject=${first.id}`)).toEqual([first.id, first.id])
    const [changed, created] = await listed(api, `&subject=${first.id}`)
    const at = { from: changed?.at ?? '', before: created?.at ?? '' }
    expect((await listed(api, `&subject=${first.id}&from=${at.from}`)).map(({ id }) => id)).toContain(
      changed?.id,
    )
    expect(await subjects(`&from=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([])
    expect(await subjects(`&subject=${first.id}&to=${at.before}`)).toEqual([])
    const page = await api.get('/audit?limit=1&action=destination.created').expect(200)
    const { data, nextCursor } = page.body as { data: Entry[]; nextCursor: string }
    const next = await api.get(`/audit?limit=1&action=destination.created&cursor=${nextCursor}`).expect(200)
    expect([data[0]?.subject, (next.body as { data: Entry[] }).data[0]?.subject]).toEqual([
      second.id,
      first.id,
    ])
    await api.get('/audit?from=yesterday').expect(422)
  })

  it('shows a key its environment and what is about the tenant as a whole; the platform key all of it', async () => {
    const { api, id } = await makeTenant(stack)
    const live = await makeKey(stack, id, 'production')
    await create(api, '/destinations', webhook())
    await platform().patch(`/tenants/${id}`, { name: 'Renamed' }).expect(200)
    const stranger = await makeTenant(stack)
    const seen = async (by: Api, path = '/audit') =>
      new Set(
        (await listed(by, '', path)).map(({ environment = 'both', action }) => `${environment} ${action}`),
      )
    const [sandbox, production] = [await seen(api), await seen(live.api)]
    expect(sandbox).toContain('sandbox destination.created')
    expect(sandbox).toContain('both tenant.changed')
    expect([...sandbox].filter((one) => one.startsWith('production'))).toEqual([])
    expect(production).not.toContain('sandbox destination.created')
    expect(production).toContain('both tenant.changed')
    expect(await seen(platform(), `/tenants/${id}/audit`)).toEqual(new Set([...sandbox, ...production]))
    const ids = new Set((await listed(platform(), '', `/tenants/${id}/audit`)).map((entry) => entry.id))
    const strangers = await listed(stranger.api)
    expect(strangers.length).toBeGreaterThan(0)
    expect(strangers.filter((entry) => ids.has(entry.id))).toEqual([])
    await api.get(`/tenants/${id}/audit`).expect(403)
    await api.get('/platform/audit').expect(403)
  })

  it('of a tenant that was deleted is there for the platform key; of one that never was, 404', async () => {
    const { body } = await platform().post('/tenants', { name: 'Gone' }).expect(201)
    const { id } = body as { id: string }
    await stack.db.tenant.delete({ where: { id } })
    expect((await listed(platform(), '', `/tenants/${id}/audit`)).at(-1)).toMatchObject({
      action: 'tenant.created',
    })
    expect(await heads(platform(), `/tenants/${id}/audit/head`)).toMatchObject([
      { chain: `${id}/sandbox`, sequence: 0, hash: null },
      { chain: `${id}/production`, sequence: 0, hash: null },
      { chain: id, sequence: 1 },
    ])
    await platform().get('/tenants/ten_never/audit').expect(404)
    await platform().get('/tenants/ten_never/audit/head').expect(404)
  })

  it('ends in the heads of its environment and of the tenant, which grow with every change', async () => {
    const { api, id } = await makeTenant(stack)
    const [, whole] = await heads(api)
    await create(api, '/destinations', webhook())
    const [newest] = await listed(api)
    const head = { chain: `${id}/sandbox`, sequence: 2, hash: newest?.hash }
    expect(await heads(api)).toEqual([head, whole])
    await platform().patch(`/tenants/${id}`, { name: 'Renamed' }).expect(200)
    expect(await heads(api)).toMatchObject([head, { chain: id, sequence: (whole?.sequence ?? 0) + 1 }])
    expect(await heads(platform(), '/platform/audit/head')).toMatchObject([{ chain: 'platform' }])
  })

  it('tells a sandbox key nothing of production, not even how often it changes', async () => {
    const { api, id } = await makeTenant(stack)
    const live = await makeKey(stack, id, 'production')
    const seen = async () => ({ entries: await listed(api), heads: await heads(api) })
    const before = await seen()
    for (const name of ['A', 'B', 'C']) await create(live.api, '/destinations', webhook({ name }))
    expect(await seen()).toEqual(before)
    await create(api, '/destinations', webhook())
    const [made] = await listed(api)
    expect(made?.sequence).toBe((before.heads[0]?.sequence ?? 0) + 1)
  })
})

it('50 changes at once of one tenant are all made and all in the chain', { timeout: 60_000 }, async () => {
  const { api, id } = await makeTenant(stack)
  const chain = `${id}/sandbox`
  const before = await readHead(stack.db, chain)
  const names = Array.from({ length: 50 }, (_, n) => `D${n}`)
  await Promise.all(names.map((name) => create(api, '/destinations', webhook({ name }))))
  expect(await readHead(stack.db, chain)).toMatchObject({ sequence: (before?.sequence ?? 0) + 50 })
})
