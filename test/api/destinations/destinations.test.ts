import { describe, expect, it } from 'vitest'
import { defaultSchedule } from '../../../src/domain/delivery/retry-schedule.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeKey, makeTenant } from '../../support/stack.ts'

const stack = sharedStack({ workers: false })

interface Destination {
  id: string
  status: string
  statusReason?: string
  config: Record<string, unknown>
  secret?: string
}

const subscription = { eventTypes: ['aml.*'] }
const webhook = {
  name: 'Case system',
  channel: 'webhook',
  config: { url: 'https://example.com/hook', headers: { 'X-Team': 'aml-team-token' } },
  subscription,
}

describe('201', () => {
  it('a webhook: secret once, header values masked, defaults filled in', async () => {
    const { api } = await makeTenant(stack)
    const made = (await api.post('/destinations', webhook).expect(201)).body as Destination
    expect(made).toMatchObject({
      name: 'Case system',
      channel: 'webhook',
      environment: 'sandbox',
      status: 'active',
      config: {
        url: 'https://example.com/hook',
        wireFormat: 'standard-webhooks',
        headers: { 'X-Team': '****oken' },
      },
      subscription,
      delivery: { schedule: defaultSchedule, timeoutMs: 10_000 },
    })
    expect(made.id).toMatch(/^dst_/)
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{44}$/)
    const read = (await api.get(`/destinations/${made.id}`).expect(200)).body as Destination
    expect(read).toEqual({ ...made, secret: undefined })
  })

  it('an email and a Slack destination: their URLs are masked', async () => {
    const { api } = await makeTenant(stack)
    const email = await api
      .post('/destinations', {
        name: 'On call',
        channel: 'email',
        config: { to: ['a@example.com'], smtpUrl: 'smtp://user:pa55w0rd@mail.example.com' },
        subscription: { eventTypes: ['all'] },
      })
      .expect(201)
    expect((email.body as Destination).config).toEqual({ to: ['a@example.com'], smtpUrl: '****.com' })
    const config = { webhookUrl: 'https://hooks.slack.com/services/T000/B000/XXXXXXXX' }
    const slack = await api
      .post('/destinations', { name: '#aml', channel: 'slack', config, subscription })
      .expect(201)
    expect((slack.body as Destination).config).toEqual({ webhookUrl: '****XXXX' })
    expect(slack.body).not.toHaveProperty('secret')
  })

  it('what is secret is encrypted at rest', async () => {
    const { api } = await makeTenant(stack)
    const { id, secret } = (await api.post('/destinations', webhook).expect(201)).body as Destination
    const row = JSON.stringify(await stack.db.destination.findUnique({ where: { id } }))
    expect(row).toContain('https://example.com/hook')
    expect(row).not.toContain('aml-team-token')
    expect(row).not.toContain(secret)
  })
})

describe('bad input is refused with the path of each field, and nothing is written', () => {
  const slack = {
    name: 's',
    channel: 'slack',
    config: { webhookUrl: 'https://hooks.slack.com/x' },
    subscription,
  }
  const email = { name: 'e', channel: 'email', config: { to: ['a@example.com'] }, subscription }
  const with_ = (config: object) => ({ ...webhook, config: { ...webhook.config, ...config } })
  it.each([
    ['an unknown channel', { ...webhook, channel: 'fax' }, ['channel']],
    ['no channel', { ...webhook, channel: undefined }, ['channel']],
    ['a URL that is none', with_({ url: 'example' }), ['config.url']],
    ['a URL of another scheme', with_({ url: 'ftp://example.com' }), ['config.url']],
    ['a URL with a password', with_({ url: 'https://a:b@example.com' }), ['config.url']],
    ['a private address', with_({ url: 'https://10.1.2.3/' }), ['config.url']],
    ['a metadata address, spelled as a number', with_({ url: 'http://2852039166/' }), ['config.url']],
    ['a reserved header', with_({ headers: { 'Webhook-Id': 'x' } }), ['config.headers.Webhook-Id']],
    ['a header with a line break', with_({ headers: { 'X-A': 'a\r\nb: c' } }), ['config.headers.X-A']],
    ['an unknown wire format', with_({ wireFormat: 'soap' }), ['config.wireFormat']],
    ['an unknown field in config', with_({ verify: false }), ['config.verify']],
    ['an unknown field', { ...webhook, colour: 'red' }, ['colour']],
    ['an empty name', { ...webhook, name: '  ' }, ['name']],
    ['a name with a NUL', { ...webhook, name: 'a\u0000' }, ['name']],
    [
      'a NUL in a filter',
      { ...webhook, subscription: { eventTypes: ['all'], filter: { 'data.a': 'x\u0000' } } },
      ['subscription.filter.data.a'],
    ],
    [
      'half a surrogate pair in a filter',
      { ...webhook, subscription: { eventTypes: ['all'], filter: { 'data.a': '\ud800' } } },
      ['subscription.filter.data.a'],
    ],
    ['a NUL in a URL', with_({ url: 'https://example.com/\u0000' }), ['config.url']],
    ['no address', { ...email, config: { to: [] } }, ['config.to']],
    ['a bad address', { ...email, config: { to: ['a@example.com', 'nobody'] } }, ['config.to.1']],
    [
      'an SMTP URL that is none',
      { ...email, config: { to: ['a@b.io'], smtpUrl: 'https://b.io' } },
      ['config.smtpUrl'],
    ],
    [
      'an SMTP host inside',
      { ...email, config: { to: ['a@b.io'], smtpUrl: 'smtp://10.0.0.1' } },
      ['config.smtpUrl'],
    ],
    ['no Slack URL', { ...slack, config: {} }, ['config.webhookUrl']],
    ['no event types', { ...webhook, subscription: { eventTypes: [] } }, ['subscription.eventTypes']],
    [
      'an event type with spaces',
      { ...webhook, subscription: { eventTypes: ['a b'] } },
      ['subscription.eventTypes.0'],
    ],
    [
      'an operator that runs code',
      {
        ...webhook,
        subscription: { eventTypes: ['all'], filter: { $or: [{ 'data.a': { $where: 'true' } }] } },
      },
      ['subscription.filter.$or.0.data.a.$where'],
    ],
    ['a delay that is none', { ...webhook, delivery: { schedule: ['0s', 'soon'] } }, ['delivery.schedule.1']],
    ['a delay of a year', { ...webhook, delivery: { schedule: ['365d'] } }, ['delivery.schedule.0']],
    ['a timeout of a minute', { ...webhook, delivery: { timeoutMs: 60_000 } }, ['delivery.timeoutMs']],
    ['two bad fields', { ...webhook, name: 7, config: { url: 1 } }, ['name', 'config.url']],
  ])('422 for %s', async (_name, body, paths) => {
    const { api } = await makeTenant(stack)
    const answer = await api.post('/destinations', body).expect(422)
    const { code, errors } = answer.body as { code: string; errors: { path: string; message: string }[] }
    expect(code).toBe('invalid_request')
    expect(errors.map(({ path }) => path)).toEqual(paths)
    for (const { message } of errors) expect(message.length).toBeGreaterThan(5)
    expect((await api.get('/destinations').expect(200)).body).toEqual({ data: [], nextCursor: null })
  })

  it('422 for plain HTTP and for loopback in production', async () => {
    const { api } = await makeTenant(stack, 'production')
    for (const url of [
      'http://example.com/',
      'https://127.0.0.1/',
      'https://[::1]/',
      'https://[::ffff:10.0.0.1]/',
    ]) {
      const answer = await api.post('/destinations', { ...webhook, config: { url } }).expect(422)
      expect(answer.body).toMatchObject({ errors: [{ path: 'config.url' }] })
    }
  })
})

describe('PATCH', () => {
  it('changes what is given and keeps the rest, secrets sent back masked included', async () => {
    const { api } = await makeTenant(stack)
    const { id, config } = (await api.post('/destinations', webhook).expect(201)).body as Destination
    const sealed = async () => (await stack.db.destination.findUniqueOrThrow({ where: { id } })).sealed
    await api
      .patch(`/destinations/${id}`, { name: 'Renamed', config: { ...config, url: 'https://example.com/2' } })
      .expect(200)
    const read = (await api.get(`/destinations/${id}`).expect(200)).body as Destination
    expect(read).toMatchObject({
      name: 'Renamed',
      subscription,
      config: { url: 'https://example.com/2', headers: { 'X-Team': '****oken' } },
    })

    const before = await sealed()
    await api
      .patch(`/destinations/${id}`, { config: { headers: { 'X-Team': 'another-secret' } } })
      .expect(200)
    expect(await sealed()).not.toBe(before)
    await api.patch(`/destinations/${id}`, { config: { headers: null } }).expect(200)
    expect(((await api.get(`/destinations/${id}`)).body as Destination).config).not.toHaveProperty('headers')
  })

  it.each([
    [{ config: { url: 'nope' } }, 'config.url'],
    [{ config: { url: null } }, 'config.url'],
    [{ channel: 'email' }, 'channel'],
    [{ subscription: { eventTypes: ['a b'] } }, 'subscription.eventTypes.0'],
  ])('422 for %j, and nothing changes', async (change, path) => {
    const { api } = await makeTenant(stack)
    const { id } = (await api.post('/destinations', webhook).expect(201)).body as Destination
    const before: unknown = (await api.get(`/destinations/${id}`)).body
    const answer = await api.patch(`/destinations/${id}`, { name: 'Changed', ...change }).expect(422)
    expect(answer.body).toMatchObject({ errors: [{ path }] })
    expect((await api.get(`/destinations/${id}`)).body).toEqual(before)
  })
})

it('PATCH of one delivery field leaves the other as it is', async () => {
  const { api } = await makeTenant(stack)
  const delivery = { schedule: ['0s', '1m'], timeoutMs: 2000 }
  const { id } = (await api.post('/destinations', { ...webhook, delivery }).expect(201)).body as Destination
  const changed = await api.patch(`/destinations/${id}`, { delivery: { timeoutMs: 3000 } }).expect(200)
  expect(changed.body).toMatchObject({ delivery: { schedule: ['0s', '1m'], timeoutMs: 3000 } })
})

it('404, 422 in a query and 400 in a bad encoding, for text that no id can hold', async () => {
  const { api } = await makeTenant(stack)
  await api.get('/destinations/dst_%00').expect(404)
  await api.delete('/destinations/dst_%00').expect(404)
  await api.get('/destinations/%E0%A4%A').expect(400)
  await api.get('/destinations?cursor=%00').expect(422)
})

it('pause, resume and delete', async () => {
  const { api } = await makeTenant(stack)
  const { id } = (await api.post('/destinations', webhook).expect(201)).body as Destination
  const paused = await api.post(`/destinations/${id}/pause`).expect(200)
  expect(paused.body).toMatchObject({ status: 'paused', statusReason: 'paused by the API' })
  const resumed = await api.post(`/destinations/${id}/resume`).expect(200)
  expect(resumed.body).toMatchObject({ status: 'active' })
  expect(resumed.body).not.toHaveProperty('statusReason')
  await api.delete(`/destinations/${id}`).expect(204)
  await api.get(`/destinations/${id}`).expect(404)
  await api.delete(`/destinations/${id}`).expect(404)
})

it('lists by pages, newest first', async () => {
  const { api } = await makeTenant(stack)
  const ids: string[] = []
  for (let n = 0; n < 5; n++)
    ids.unshift(((await api.post('/destinations', webhook).expect(201)).body as Destination).id)
  const seen: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page = (await api.get(`/destinations?limit=2${cursor && `&cursor=${cursor}`}`).expect(200))
      .body as {
      data: Destination[]
      nextCursor: string | null
    }
    seen.push(...page.data.map(({ id }) => id))
    cursor = page.nextCursor
  }
  expect(seen).toEqual(ids)
})

it('another tenant’s key and another environment’s reach nothing', async () => {
  const { api, id: tenantId } = await makeTenant(stack, 'sandbox')
  const { id } = (await api.post('/destinations', webhook).expect(201)).body as Destination
  const { api: live } = await makeKey(stack, tenantId, 'production')
  const { api: stranger } = await makeTenant(stack, 'sandbox')
  for (const other of [live, stranger]) {
    await other.get(`/destinations/${id}`).expect(404)
    await other.patch(`/destinations/${id}`, { name: 'mine' }).expect(404)
    await other.post(`/destinations/${id}/pause`).expect(404)
    await other.post(`/destinations/${id}/resume`).expect(404)
    await other.delete(`/destinations/${id}`).expect(404)
    expect((await other.get('/destinations').expect(200)).body).toEqual({ data: [], nextCursor: null })
  }
  expect((await api.get(`/destinations/${id}`).expect(200)).body).toMatchObject({
    name: 'Case system',
    status: 'active',
  })
})
