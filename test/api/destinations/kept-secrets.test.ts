import { describe, expect, it } from 'vitest'
import { configurationOf } from '../../support/resources/configuration.ts'
import { ok, startReceiver } from '../../support/servers/receiver.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeKey, makeTenant, untilTestEnds, type Api } from '../../support/stack.ts'

/** Stored secret values stay where they were given for, and a mask is never taken for a value. */
const stack = sharedStack()

const subscription = { eventTypes: ['all'] }
const token = 'Bearer 0123456789abcdef'
const url = 'https://one.example.com/hook'
const other = 'https://two.example.com/hook'
const notSent =
  'was set for https://one.example.com and is not sent to another origin; send the value again or remove it'
const masked = 'is masked, but no value is stored; send the value'

interface Made {
  id: string
  config: { url: string; headers?: Record<string, string> }
}

async function withHeader(api: Api, given: object = {}) {
  const config = { url, headers: { Authorization: token } }
  const body = { name: 'Cases', channel: 'webhook', config, subscription, ...given }
  return (await api.post('/destinations', body).expect(201)).body as Made
}

async function refusal(answer: ReturnType<Api['post']>) {
  return ((await answer.expect(422)).body as { errors: { path: string; message: string }[] }).errors
}

describe('a stored header value does not follow another origin', () => {
  const path = 'config.headers.Authorization'

  it.each([
    ['left out', { url: other }],
    ['masked', { url: other, headers: { Authorization: '****cdef' } }],
    ['of another port', { url: 'https://one.example.com:8443/hook' }],
  ])('PATCH, %s', async (_how, config) => {
    const { api } = await makeTenant(stack)
    const { id } = await withHeader(api)
    expect(await refusal(api.patch(`/destinations/${id}`, { config }))).toEqual([{ path, message: notSent }])
    expect((await api.get(`/destinations/${id}`)).body).toMatchObject({ config: { url } })
  })

  it('PATCH: it may be given again or removed, and follows to another path', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await withHeader(api)
    const patch = (config: object) => api.patch(`/destinations/${id}`, { config }).expect(200)
    await patch({ url: 'https://one.example.com/other' })
    await patch({ url: other, headers: { Authorization: token } })
    await patch({ url, headers: null })
    await patch({ url: other })
  })

  it('an applied document, whose mask names it', async () => {
    const { api, key } = await makeTenant(stack)
    await withHeader(api)
    const configuration = configurationOf(stack, key)
    const document = (config: object) => ({
      switchyard: 1,
      destinations: [{ name: 'Cases', channel: 'webhook', config, subscription }],
    })
    const kept = { Authorization: '****' }
    expect(await configuration.refused(document({ url: other, headers: kept }))).toEqual([
      { path: `destinations.0.${path}`, message: notSent },
    ])
    await configuration.apply(document({ url: 'https://one.example.com/other', headers: kept }))
    await configuration.apply(document({ url: other, headers: { Authorization: token } }))
  })

  it('the adopted contracts, under the name that they give the URL', async () => {
    const { api } = await makeTenant(stack)
    const headers = { config: { headers: { Authorization: token } } }
    const webhook = { event_type: 'all', webhook_url: url }
    const { id } = (await api.post('/webhooks/', webhook).expect(201)).body as { id: string }
    await api.patch('/tenant/settings', { webhook_url: url }).expect(200)
    const { data } = (await api.get('/destinations').expect(200)).body as { data: Made[] }
    for (const made of data) await api.patch(`/destinations/${made.id}`, headers).expect(200)
    const expected = [{ path, message: notSent }]
    expect(await refusal(api.patch(`/webhooks/${id}/`, { webhook_url: other }))).toEqual(expected)
    expect(await refusal(api.patch('/tenant/settings', { webhook_url: other }))).toEqual(expected)
  })

  it('an attempt sends nothing if the row was changed in another way', async () => {
    const { api } = await makeTenant(stack)
    const [one, two] = [untilTestEnds(await startReceiver(ok)), untilTestEnds(await startReceiver(ok))]
    const { id, config } = await withHeader(api, { config: { url: one.url, headers: { 'X-Team': token } } })
    const row = await stack.db.destination.findUniqueOrThrow({ where: { id } })
    const moved = { ...(row.config as object), url: two.url }
    await stack.db.destination.update({ where: { id }, data: { config: moved } })
    const { body } = await api.post(`/destinations/${id}/test`, { eventType: 'test' }).expect(200)
    const { origin } = new URL(config.url)
    expect(body).toMatchObject({
      delivery: {
        status: 'failed',
        attempts: [
          {
            errorClass: 'setup',
            error: `not sent: the destination’s secrets were stored for ${origin}`,
          },
        ],
      },
    })
    expect([...one.received, ...two.received]).toEqual([])
  })
})

describe('a mask is not taken for a value', () => {
  const header = (value: string) => ({ url, headers: { 'X-Team': value } })
  const refused = [{ path: 'config.headers.X-Team', message: masked }]

  it.each(['****', '****1234', `${'*'.repeat(28)}1234`, '****1234 (changed)'])('%s', async (mask) => {
    const { api } = await makeTenant(stack)
    const body = { name: 'New', channel: 'webhook', config: header(mask), subscription }
    expect(await refusal(api.post('/destinations', body))).toEqual(refused)
    const { id } = await withHeader(api)
    // A name that is new, and one that was renamed.
    expect(await refusal(api.patch(`/destinations/${id}`, { config: header(mask) }))).toEqual(refused)
  })

  it('a signing secret, a tenant’s settings', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await withHeader(api)
    const secret = { path: 'secret', message: 'is masked; send the secret itself or omit it' }
    expect(await refusal(api.patch(`/destinations/${id}`, { secret: '****abcd' }))).toEqual([secret])
    expect(await refusal(api.post(`/destinations/${id}/rotate-secret`, { secret: '****abcd' }))).toEqual([
      secret,
    ])
    const mask = `${'*'.repeat(28)}abcd`
    expect(await refusal(api.patch('/tenant/settings', { webhook_url: url, webhook_secret: mask }))).toEqual([
      { ...secret, path: 'webhook_secret' },
    ])
    expect(await refusal(api.patch('/tenant/settings', { slack_webhook_url: mask }))).toEqual([
      { path: 'slack_webhook_url', message: masked },
    ])
  })
})

describe('a signing secret that is replaced needs secrets:write, by whichever field', () => {
  const forbidden = { code: 'forbidden', detail: 'This key lacks the scope secrets:write.' }
  const own = 'a-secret-of-our-own-0123456789'

  it.each([{ secret: null }, { secret: own }])('PATCH %j', async (body) => {
    const { api, id: tenantId } = await makeTenant(stack)
    const { id } = await withHeader(api, { config: { url, wireFormat: 'kyc-webhooks' } })
    const { api: narrow } = await makeKey(stack, tenantId, 'sandbox', ['destinations:write'])
    expect((await narrow.patch(`/destinations/${id}`, body).expect(403)).body).toMatchObject(forbidden)
    expect((await narrow.post(`/destinations/${id}/rotate-secret`).expect(403)).body).toMatchObject(forbidden)
    const { api: both } = await makeKey(stack, tenantId, 'sandbox', ['destinations:write', 'secrets:write'])
    await both.patch(`/destinations/${id}`, body).expect(200)
  })

  it('a wire format for which a secret has to be made', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const { id } = await withHeader(api, { config: { url, wireFormat: 'smart-kyc' } })
    const { api: narrow } = await makeKey(stack, tenantId, 'sandbox', ['destinations:write'])
    const body = { config: { wireFormat: 'standard-webhooks' } }
    expect((await narrow.patch(`/destinations/${id}`, body).expect(403)).body).toMatchObject(forbidden)
  })

  it('tenant settings', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    await api.patch('/tenant/settings', { webhook_url: url }).expect(200)
    const { api: narrow } = await makeKey(stack, tenantId, 'sandbox', ['destinations:write'])
    expect((await narrow.patch('/tenant/settings', { webhook_secret: own }).expect(403)).body).toMatchObject(
      forbidden,
    )
  })
})
