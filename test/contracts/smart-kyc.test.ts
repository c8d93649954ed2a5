import { createHmac } from 'node:crypto'
import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { findEntry } from '../../src/domain/catalogue/index.ts'
import {
  startReceiver,
  status,
  type Received,
  type Receiver,
  type Respond,
} from '../support/servers/receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import {
  adminKey,
  apiOf,
  makeKey,
  makeTenant,
  settledLog,
  untilTestEnds,
  waitingLog,
  type Api,
} from '../support/stack.ts'

const stack = sharedStack()

/** The document's "Webhook Events", in its order. */
const types = [
  'submission.created', 'submission.completed', 'submission.approved', 'submission.rejected', 'submission.updated',
  'invitation.sent', 'invitation.expired', 'invitation.cancelled',
  'aml.screening.completed', 'aml.match.found', 'aml.match.dismissed',
] // prettier-ignore

interface Destination {
  id: string
  status: string
  secret?: string
}
interface Tested {
  eventId: string
  type: string
  delivery: { status: string; attempts: { responseCode?: number }[] }
}

const receiver = async (respond?: Respond): Promise<Receiver> => untilTestEnds(await startReceiver(respond))

const webhookAt = (url: string, more: object = {}) => ({
  name: 'Case system',
  channel: 'webhook',
  config: { url, wireFormat: 'smart-kyc' },
  subscription: { eventTypes: ['all'] },
  ...more,
})

const create = async (api: Api, url: string, more?: object) =>
  (await api.post('/destinations', webhookAt(url, more)).expect(201)).body as Destination

/** Posts an event and answers with its log once every delivery has ended. */
async function send(api: Api, type = 'submission.completed', data: object = { submissionId: 'sub_123456' }) {
  const { body } = await api.post('/events', { type, data }).expect(202)
  return settledLog(api, (body as { id: string }).id)
}

/** "Signature Verification Example" of the document, line by line. */
function verifySignature(payload: string, signature: unknown, secret = ''): boolean {
  const hmac = createHmac('sha256', secret)
  const calculatedSignature = hmac.update(payload).digest('hex')
  return signature === calculatedSignature
}

const isSignedWith = (secret: string | undefined, { body, headers }: Received) =>
  verifySignature(body, headers['x-smartkyc-signature'], secret)

describe('a webhook', () => {
  it('is made with name, URL and status, and has no secret of its own to show', async () => {
    const { api } = await makeTenant(stack)
    for (const chosen of ['active', 'paused']) {
      const made = await create(api, 'https://example.com/hook', { status: chosen })
      expect(made).toMatchObject({ name: 'Case system', status: chosen, config: { wireFormat: 'smart-kyc' } })
      expect(made).not.toHaveProperty('secret')
      expect((await api.get(`/destinations/${made.id}`).expect(200)).body).toEqual(made)
    }
    expect(await create(api, 'https://example.com/hook')).toMatchObject({ status: 'active' })
  })

  it('has the document’s payload in its order, signed with the API secret as its code checks', async () => {
    const { api, id: tenantId, apiSecret } = await makeTenant(stack)
    const hook = await receiver()
    await create(api, hook.url)
    const data = { submissionId: 'sub_123456', customer: 'Zoë Ångström 🕵️', matchScore: 0.95 }
    const { id } = await send(api, 'submission.completed', data)
    const { createdAt } = (await api.get(`/events/${id}`).expect(200)).body as { createdAt: string }

    const [request, ...others] = hook.received
    if (!request) throw new Error('nothing arrived')
    expect(others).toEqual([])
    const payload = JSON.parse(request.body) as Record<string, unknown>
    expect(Object.keys(payload)).toEqual(['event', 'timestamp', 'data', 'tenantId'])
    expect(payload).toEqual({ event: 'submission.completed', timestamp: createdAt, data, tenantId })
    expect(createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
    expect(request.headers).toMatchObject({
      'content-type': 'application/json',
      'idempotency-key': id,
      'x-smartkyc-signature': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    })
    expect(isSignedWith(apiSecret, request)).toBe(true)
    expect(isSignedWith(`${apiSecret}x`, request)).toBe(false)
    expect(isSignedWith(apiSecret, { ...request, body: request.body.replace('0.95', '0.05') })).toBe(false)
  })

  it('with a secret of its own is signed with that, and with the API secret once it gives it up', async () => {
    const { api, apiSecret } = await makeTenant(stack)
    const hook = await receiver()
    const own = 'a-secret-of-our-own-0123456789'
    const subscription = { eventTypes: ['submission.*'] }
    const made = await create(api, hook.url, { secret: own, subscription })
    expect(made).not.toHaveProperty('secret')
    await send(api)
    const changed = await api.patch(`/destinations/${made.id}`, { secret: null }).expect(200)
    expect(changed.body).not.toHaveProperty('secret')
    await send(api)
    expect(hook.received.map((request) => isSignedWith(own, request))).toEqual([true, false])
    expect(hook.received.map((request) => isSignedWith(apiSecret, request))).toEqual([false, true])
    expect(JSON.stringify([made, changed.body])).not.toContain(own)
  })

  it.each([
    ['of 15 characters', 'x'.repeat(15)],
    ['of 257 characters', 'x'.repeat(257)],
    ['with spaces', 'a secret with spaces in it'],
    ['that is not ASCII', 'ein-Geheimnis-für-uns-alle'],
    ['that is the mask of one', '****************************a1b2'],
  ])('422 names secret for one of its own %s', async (_what, secret) => {
    const { api } = await makeTenant(stack)
    const answer = await api.post('/destinations', webhookAt('https://example.com/', { secret })).expect(422)
    expect(answer.body).toMatchObject({ errors: [{ path: 'secret' }] })
    expect((await api.get('/destinations').expect(200)).body).toMatchObject({ data: [] })
    const { id } = await create(api, 'https://example.com/')
    const change = await api.patch(`/destinations/${id}`, { secret }).expect(422)
    expect(change.body).toMatchObject({ errors: [{ path: 'secret' }] })
  })

  it('must be https in production', async () => {
    const { api } = await makeTenant(stack, 'production')
    const answer = await api.post('/destinations', webhookAt('http://example.com/hook')).expect(422)
    expect(answer.body).toMatchObject({ errors: [{ path: 'config.url' }] })
    await create(api, 'https://example.com/hook')
  })

  it('is edited, deactivated, activated and deleted: only what is active is sent', async () => {
    const { api } = await makeTenant(stack)
    const [first, moved] = [await receiver(), await receiver()]
    const { id } = await create(api, first.url, { status: 'paused' })
    const statusOf = async () => (await send(api)).status
    const change = (patch: object) => api.patch(`/destinations/${id}`, patch).expect(200)

    expect((await send(api)).routing).toEqual([
      { destinationId: id, matched: false, reason: 'paused: paused by the API', missed: true },
    ])
    await change({ status: 'active' })
    expect(await statusOf()).toBe('delivered')
    await change({ name: 'Moved', config: { url: moved.url } })
    expect(await statusOf()).toBe('delivered')
    await change({ status: 'paused' })
    expect(await statusOf()).toBe('unrouted')
    await api.post(`/destinations/${id}/resume`).expect(200)
    expect(await statusOf()).toBe('delivered')
    await api.post(`/destinations/${id}/pause`).expect(200)
    expect(await statusOf()).toBe('unrouted')
    await api.delete(`/destinations/${id}`).expect(204)
    expect(await statusOf()).toBe('unrouted')
    await api.get(`/destinations/${id}`).expect(404)
    expect([first.received.length, moved.received.length]).toEqual([1, 2])
  })
})

describe('the eleven event types', () => {
  it.each(types)('%s is delivered, as an event and as a test with its sample', async (type) => {
    const { api, id: tenantId, apiSecret } = await makeTenant(stack)
    const hook = await receiver()
    const { id } = await create(api, hook.url, { subscription: { eventTypes: [type] } })
    const sample = findEntry(type)?.sample
    expect(Object.keys(sample ?? {}).length).toBeGreaterThan(2)

    expect(await send(api, type, { ...sample, posted: true })).toMatchObject({ status: 'delivered' })
    const tested = (await api.post(`/destinations/${id}/test`, { eventType: type }).expect(200))
      .body as Tested
    expect(tested).toMatchObject({
      type,
      delivery: { status: 'delivered', attempts: [{ responseCode: 200 }] },
    })

    const [event, test, ...others] = hook.received
    expect(others).toEqual([])
    expect(JSON.parse(event?.body ?? '')).toMatchObject({
      event: type,
      data: { ...sample, posted: true },
      tenantId,
    })
    expect(JSON.parse(test?.body ?? '')).toMatchObject({ event: type, tenantId })
    expect((JSON.parse(test?.body ?? '') as { data: unknown }).data).toEqual(sample)
    expect([event, test].map((request) => request && isSignedWith(apiSecret, request))).toEqual([true, true])
    expect([event, test].map((request) => request?.headers['switchyard-test'])).toEqual([undefined, 'true'])
  })

  it('a test reaches a webhook that is inactive and subscribes to something else, and says what failed', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver(status(401, {}, 'check your credentials'))
    const { id } = await create(api, hook.url, {
      status: 'paused',
      subscription: { eventTypes: ['invitation.sent'] },
    })
    const { body } = await api.post(`/destinations/${id}/test`, { eventType: 'aml.match.found' }).expect(200)
    expect(body).toMatchObject({
      type: 'aml.match.found',
      delivery: {
        status: 'failed',
        attempts: [{ number: 1, responseCode: 401, responseExcerpt: 'check your credentials' }],
      },
    })
    expect(hook.received).toHaveLength(1)
  })
})

describe('the logs', () => {
  it('show success, error and pending, with code, time and what the server answered', async () => {
    const { api } = await makeTenant(stack)
    const states: [answer: Respond, state: string, code: number][] = [
      [status(200, {}, 'thank you'), 'delivered', 200],
      [status(500, {}, 'we are down'), 'pending', 500],
      [status(410, {}, 'never again'), 'failed', 410],
    ]
    for (const [answer, state, code] of states) {
      const hook = await receiver(answer)
      const { id } = await create(api, hook.url, { delivery: { schedule: ['0s', '1h'] } })
      const posted = await api.post('/events', { type: 'submission.approved', data: {} }).expect(202)
      const { id: eventId } = posted.body as { id: string }
      const { deliveries } = await (state === 'pending' ? waitingLog : settledLog)(api, eventId)
      expect(deliveries).toMatchObject([
        {
          destinationId: id,
          status: state,
          attempts: [{ responseCode: code, responseExcerpt: expect.stringMatching(/\w/) as string }],
        },
      ])
      expect(Date.parse(deliveries[0]?.attempts[0]?.at ?? '')).not.toBeNaN()
      await api.delete(`/destinations/${id}`).expect(204)
    }
  })
})

describe('API authentication and rate limits', () => {
  it('takes the key in a header, and in the query where the installation lets it', async () => {
    const { key, id } = await makeTenant(stack, 'sandbox')
    const live = await makeKey(stack, id, 'production')
    const ask = (query: object = {}) => supertest(stack.app).get('/api/v1/webhooks/').query(query)
    await ask().expect(401)
    await ask().set('X-API-Key', key).expect(200)
    await ask().set('X-API-Key', live.key).expect(200)
    await ask({ api_key: key }).expect(200)
    await ask({ api_key: live.key }).expect(401)
    await ask({ api_key: `${key}x` }).expect(401)
  })

  it('by default 200 calls pass within a minute, and the next one is told when to come again', async () => {
    const platform = apiOf(stack.app, adminKey)
    const { body } = await platform.post('/tenants', { name: 'Default limits' }).expect(201)
    expect(body).toMatchObject({ limits: { apiPerMinute: 100, apiBurst: 200 } })
    const { api } = await makeKey(stack, (body as { id: string }).id, 'sandbox')
    const startedAt = Date.now()
    for (let batch = 0; batch < 10; batch++) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => api.get('/destinations')))
      expect(answers.map((answer) => answer.status)).toEqual(Array<number>(20).fill(200))
    }
    const refused = await api.get('/destinations')
    expect(Date.now() - startedAt).toBeLessThan(60_000)
    expect(refused.status).toBe(429)
    expect(refused.body).toMatchObject({ code: 'rate_limited', status: 429 })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60)
    expect(refused.headers['ratelimit-policy']).toBe(
      '"burst";q=200;w=60, "sustained";q=500;w=300, "tenant-burst";q=600;w=60, "tenant-sustained";q=1500;w=300',
    )
    expect(refused.headers.ratelimit).toMatch(/^"burst";r=0;t=\d+, "sustained";r=\d+;t=\d+, "tenant-burst";/)
    // Ingest has a limit of its own.
    await api.post('/events', { type: 'submission.created', data: {} }).expect(202)
  }, 90_000)
})
