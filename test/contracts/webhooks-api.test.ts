import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { sharedStack } from '../support/shared-stack.ts'
import { makeTenant } from '../support/stack.ts'
import {
  createWebhook,
  documentedTime,
  listWebhooks,
  nativeTwin,
  readWebhook,
  uuid,
  type Problem,
} from './webhooks-client.ts'

/** The Webhooks API’s document: creating, reading and a webhook’s whole life, without deliveries. */
const stack = sharedStack({ workers: false })

const webhook_url = 'https://api.yourcompany.com/webhooks/screening'
const documented = {
  event_type: 'screening.completed',
  webhook_url,
  description: 'Production screening webhook',
  filters: { risk_level: 'high' },
}
const neverTriggered = {
  stats: { total_deliveries: 0, successful_deliveries: 0, failed_deliveries: 0 },
  last_triggered_at: null,
}
describe.each(['/', ''])(
  'a webhook’s life by paths that end in "%s": exactly the documented answers',
  (end) => {
    it('from POST to DELETE', async () => {
      const { api } = await makeTenant(stack)
      const created = (await api.post(`/webhooks${end}`, documented).expect(201)).body as { id: string }
      const { id } = created
      expect(created).toEqual({
        id: expect.stringMatching(uuid) as string,
        event_type: 'screening.completed',
        webhook_url,
        secret_key: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/) as string,
        message: 'Webhook created successfully',
      })
      expect(Object.keys(created)).toEqual(['id', 'event_type', 'webhook_url', 'secret_key', 'message'])

      const list = (await api.get(`/webhooks${end}`).expect(200)).body as {
        webhooks: { created_at: string }[]
      }
      const [listed] = list.webhooks
      const created_at = expect.stringMatching(documentedTime) as string
      expect(list).toEqual({
        webhooks: [{ id, ...documented, is_active: true, created_at, ...neverTriggered }],
      })
      expect(Object.keys(listed ?? {})).toEqual([
      'id', 'event_type', 'webhook_url', 'is_active', 'description', 'filters', 'created_at', 'stats',
      'last_triggered_at',
    ]) // prettier-ignore

      const read = (await api.get(`/webhooks/${id}${end}`).expect(200)).body as object
      expect(read).toEqual({ ...listed, updated_at: listed?.created_at })
      expect(Object.keys(read)).toEqual([
      'id', 'event_type', 'webhook_url', 'is_active', 'description', 'filters', 'created_at', 'updated_at', 'stats',
      'last_triggered_at',
    ]) // prettier-ignore

      const updated = await api.patch(`/webhooks/${id}${end}`, { description: 'Another' }).expect(200)
      expect(updated.text).toBe(JSON.stringify({ message: 'Webhook updated', id }))

      const deleted = await api.delete(`/webhooks/${id}${end}`).expect(200)
      expect(deleted.body).toEqual({ message: 'Webhook deleted successfully' })
      await api.get(`/webhooks/${id}${end}`).expect(404)
      await api.delete(`/webhooks/${id}${end}`).expect(404)
      expect((await api.get(`/webhooks${end}`).expect(200)).body).toEqual({ webhooks: [] })
    })
  },
)

describe('POST /api/v1/webhooks/', () => {
  it.each([
    'onboarding.created', 'onboarding.ddq_completed', 'onboarding.verification_completed', 'onboarding.completed',
    'onboarding.expired', 'onboarding.revoked', 'onboarding.link_regenerated',
    'response.created', 'response.submitted', 'response.reviewed', 'response.approved', 'response.rejected',
    'response.autofill_completed', 'response.check_answers_completed', 'response.autoflag_completed',
    'screening.completed', 'screening.failed', 'batch.completed', 'batch.progress', 'batch.failed',
    'verification.session_created', 'verification.session_accessed', 'verification.session_completed',
    'verification.session_failed', 'verification.session_expired', 'verification.check_completed',
    'non_document.check_initiated', 'non_document.completed', 'non_document.reviewed',
    'case.opened', 'case.resolved', 'alert.created',
    'all', 'test',
  ])('takes the event type %s', async (event_type) => {
    const { api } = await makeTenant(stack)
    const { body } = await api.post('/webhooks/', { event_type, webhook_url }).expect(201)
    expect(body).toMatchObject({ event_type })
    expect(await listWebhooks(api)).toMatchObject([{ event_type, description: '', filters: {} }])
  }) // prettier-ignore

  it('takes several webhooks for one type and URL, each with an id and a secret of its own', async () => {
    const { api } = await makeTenant(stack)
    const [first, second] = [await createWebhook(api, documented), await createWebhook(api, documented)]
    expect(second.id).not.toBe(first.id)
    expect(second.secret_key).not.toBe(first.secret_key)
  })

  const given = (more: object) => ({ event_type: 'case.opened', webhook_url, ...more })
  it.each<[what: string, body: object, paths: string[]]>([
    ['nothing', {}, ['event_type', 'webhook_url']],
    ['no event type', { webhook_url }, ['event_type']],
    ['an event type that is a number', given({ event_type: 7 }), ['event_type']],
    ['an empty event type', given({ event_type: '' }), ['event_type']],
    ['an event type in capitals', given({ event_type: 'CASE.OPENED' }), ['event_type']],
    ['a list of event types', given({ event_type: ['case.opened'] }), ['event_type']],
    ['no URL', { event_type: 'all' }, ['webhook_url']],
    ['a URL that is a number', given({ webhook_url: 7 }), ['webhook_url']],
    ['a URL that is null', given({ webhook_url: null }), ['webhook_url']],
    ['no scheme', given({ webhook_url: 'api.yourcompany.com/hook' }), ['webhook_url']],
    ['another scheme', given({ webhook_url: 'ftp://example.com/' }), ['webhook_url']],
    ['no host', given({ webhook_url: 'https://' }), ['webhook_url']],
    ['a password in the URL', given({ webhook_url: 'https://a:b@example.com/' }), ['webhook_url']],
    ['a private address', given({ webhook_url: 'https://10.1.2.3/' }), ['webhook_url']],
    ['a NUL in the URL', given({ webhook_url: 'https://example.com/\u0000' }), ['webhook_url']],
    ['a description that is a number', given({ description: 7 }), ['description']],
    ['a NUL in the description', given({ description: 'a\u0000' }), ['description']],
    ['a description of 2,001 letters', given({ description: 'x'.repeat(2001) }), ['description']],
    ['filters that are a text', given({ filters: 'risk' }), ['filters']],
    ['filters that are a list', given({ filters: [] }), ['filters']],
    ['filters that are null', given({ filters: null }), ['filters']],
    ['a NUL in the filters', given({ filters: { a: '\u0000' } }), ['filters.a']],
    [
      'an operator that runs code',
      given({ filters: { 'data.a': { $where: 'true' } } }),
      ['filters.data.a.$where'],
    ],
    ['two bad fields', { event_type: 'nope', webhook_url: 'nope' }, ['event_type', 'webhook_url']],
  ])('422 for %s, naming the field, and nothing is written', async (_what, body, paths) => {
    const { api } = await makeTenant(stack)
    const answer = await api.post('/webhooks/', body).expect(422)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    const { status, code, errors } = answer.body as Problem
    expect([status, code]).toEqual([422, 'invalid_request'])
    expect(errors.map(({ path }) => path)).toEqual(paths)
    for (const { message } of errors) expect(message.length).toBeGreaterThan(5)
    expect(await listWebhooks(api)).toEqual([])
  })

  it('422 for a bad operator under a bare field names it as the client wrote it', async () => {
    const { api } = await makeTenant(stack)
    const filters = { risk_level: { $regex: '(' } }
    const { body } = await api.post('/webhooks/', given({ filters })).expect(422)
    expect((body as Problem).errors.map(({ path }) => path)).toEqual(['filters.risk_level.$regex'])
  })

  it.each([
    ['screening.complete', 'screening.completed'],
    ['case.open', 'case.opened'],
    ['non-document.reviewed', 'non_document.reviewed'],
    ['onboarding.link-regenerated', 'onboarding.link_regenerated'],
    ['al', 'all'],
    ['tests', 'test'],
  ])('422 for the unknown event type %s asks whether %s was meant', async (event_type, meant) => {
    const { api } = await makeTenant(stack)
    const { body } = await api.post('/webhooks/', { event_type, webhook_url }).expect(422)
    expect((body as Problem).errors).toEqual([
      {
        path: 'event_type',
        message: expect.stringMatching(`^is not a known event type; did you mean ${meant}\\b`) as string,
      },
    ])
  })

  it.each(['sandbox', 'production'] as const)('422 for plain HTTP in %s', async (environment) => {
    const { api } = await makeTenant(stack, environment)
    for (const url of ['http://example.com/hook', 'HTTP://example.com/hook', 'http://127.0.0.1:1/']) {
      const { body } = await api.post('/webhooks/', given({ webhook_url: url })).expect(422)
      expect((body as Problem).errors).toEqual([{ path: 'webhook_url', message: 'must be an HTTPS URL' }])
    }
    await api.post('/webhooks/', given({ webhook_url: 'https://example.com/hook' })).expect(201)
  })

  it('400 for a body that is not JSON', async () => {
    const { key } = await makeTenant(stack)
    const answer = await supertest(stack.app)
      .post('/api/v1/webhooks/')
      .auth(key, { type: 'bearer' })
      .set('Content-Type', 'application/json')
      .send('{"event_type":')
      .expect(400)
    expect(answer.body).toMatchObject({ code: 'invalid_json' })
  })
})

describe('GET', () => {
  it('lists the newest first', async () => {
    const { api } = await makeTenant(stack)
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.unshift((await createWebhook(api)).id)
    expect((await listWebhooks(api)).map(({ id }) => id)).toEqual(ids)
  })

  it('shows the secret key nowhere again', async () => {
    const { api } = await makeTenant(stack)
    const { id, secret_key } = await createWebhook(api, documented)
    const twin = await nativeTwin(api, webhook_url)
    const paths = [
      '/webhooks/',
      `/webhooks/${id}/`,
      '/webhooks/logs/',
      `/destinations/${twin.id}`,
      '/destinations',
      '/audit',
    ]
    for (const path of paths) {
      const { text } = await api.get(path).expect(200)
      expect(text, path).not.toContain(secret_key)
      expect(text, path).not.toContain(secret_key.slice('whsec_'.length))
    }
  })

  it('takes an id in capitals, too: it is the same UUID', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await createWebhook(api)
    expect(await readWebhook(api, id.toUpperCase())).toMatchObject({ id })
  })
})
