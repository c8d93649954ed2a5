import type { Client } from '@temporalio/client'
import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { eventWorkflowId } from '../../../src/workflows/contract/event.ts'
import { startReceiver } from '../../support/servers/receiver.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { eventually, makeKey, makeTenant, readLog, settledLog, untilTestEnds } from '../../support/stack.ts'

const stack = sharedStack()

interface Accepted {
  id: string
  createdAt: string
  duplicate?: boolean
}

const event = { type: 'aml.match.found', data: { riskLevel: 'high' } }

function postText(key: string, path: string, text: string, app = stack.app) {
  const posting = supertest(app).post(`/api/v1${path}`).auth(key, { type: 'bearer' })
  return posting.set('Content-Type', 'application/json').send(text)
}

/** Temporal's client, which throws an unexpected error when it starts this event's workflow. */
function failingFor(eventId: string): Client {
  const { workflow } = stack.temporal
  const start: typeof workflow.start = (type, options) => {
    if (options.workflowId.endsWith(`/${eventId}`)) throw new TypeError('an unexpected error')
    return workflow.start(type, options)
  }
  const failing = Object.create(workflow, { start: { value: start } }) as typeof workflow
  return Object.create(stack.temporal, { workflow: { value: failing } }) as Client
}

describe('202', () => {
  it('is answered when Temporal holds the workflow', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const { body } = await api.post('/events', event).expect(202)
    const { id: eventId, createdAt } = body as Accepted
    expect(body).toEqual({ id: eventId, type: 'aml.match.found', status: 'accepted', createdAt })
    expect(eventId).toMatch(/^evt_/)
    const handle = stack.temporal.workflow.getHandle(
      eventWorkflowId({ tenantId, environment: 'sandbox', eventId }),
    )
    expect((await handle.describe()).type).toBe('routeEvent')
  })

  it('takes an id of the platform’s own', async () => {
    const { api } = await makeTenant(stack)
    const { body } = await api.post('/events', { ...event, id: 'case-17:match_3' }).expect(202)
    expect((body as Accepted).id).toBe('case-17:match_3')
  })

  it('takes the same id in sandbox and in production: they never mix', async () => {
    const { api, id } = await makeTenant(stack, 'sandbox')
    const { api: live } = await makeKey(stack, id, 'production')
    await api.post('/events', { ...event, id: 'one' }).expect(202)
    await live.post('/events', { ...event, id: 'one', data: { other: true } }).expect(202)
    expect((await readLog(api, 'one')).data).toEqual(event.data)
    expect((await readLog(live, 'one')).data).toEqual({ other: true })
  })
})

describe('the same event again', () => {
  it('200 with duplicate: true for the same id and body, whatever the order of its keys', async () => {
    const { api } = await makeTenant(stack)
    const first = await api
      .post('/events', { id: 'same', type: 'a.b', data: { x: 1, y: { p: 1, q: 2 } } })
      .expect(202)
    const again = await api
      .post('/events', { id: 'same', type: 'a.b', data: { y: { q: 2, p: 1 }, x: 1 } })
      .expect(200)
    expect(again.body).toEqual({ ...(first.body as object), duplicate: true })
  })

  it('409 for the same id and another body', async () => {
    const { api } = await makeTenant(stack)
    await api.post('/events', { id: 'same', type: 'a.b', data: { x: 1 } }).expect(202)
    const other = await api.post('/events', { id: 'same', type: 'a.b', data: { x: 2 } }).expect(409)
    expect(other.body).toMatchObject({ code: 'event_id_conflict', errors: [{ path: 'id' }] })
    await api.post('/events', { id: 'same', type: 'a.c', data: { x: 1 } }).expect(409)
  })

  it('does the same by Idempotency-Key, which gives the event its id', async () => {
    const { api } = await makeTenant(stack)
    const post = (body: object) => api.post('/events', body).set('Idempotency-Key', 'order-7')
    const first = (await post(event).expect(202)).body as Accepted
    const again = (await post(event).expect(200)).body as Accepted
    expect(again).toMatchObject({ id: first.id, createdAt: first.createdAt, duplicate: true })
    await post({ ...event, data: { riskLevel: 'low' } }).expect(409)
  })

  it('is accepted once when it comes twice at the same time', async () => {
    const { api } = await makeTenant(stack)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api.post('/events', { ...event, id: 'race' })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 202])
  })
})

describe('an event with no destination', () => {
  it('is accepted, and its log says unrouted and why', async () => {
    const { api } = await makeTenant(stack)
    const { body } = await api.post('/events', event).expect(202)
    expect(await settledLog(api, (body as Accepted).id)).toMatchObject({
      status: 'unrouted',
      reason: 'the tenant has no destinations in this environment',
      deliveries: [],
      routing: [],
    })
  })

  it('names each destination that was passed over, with its reason', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver())
    const config = { url: receiver.url }
    const make = async (name: string, subscription: object) =>
      (await api.post('/destinations', { name, channel: 'webhook', config, subscription }).expect(201))
        .body as { id: string }
    const other = await make('other types', { eventTypes: ['kyc.*'] })
    const filtered = await make('filtered', { eventTypes: ['aml.*'], filter: { 'data.riskLevel': 'low' } })
    const paused = await make('paused', { eventTypes: ['all'] })
    await api.post(`/destinations/${paused.id}/pause`).expect(200)

    const { body } = await api.post('/events', event).expect(202)
    const log = await settledLog(api, (body as Accepted).id)
    expect(log.status).toBe('unrouted')
    expect(log.reason).toMatch(/no active destination/)
    const reasons = Object.fromEntries(
      log.routing.map(({ destinationId, reason }) => [destinationId, reason]),
    )
    expect(reasons[other.id]).toMatch(/^unmatched/)
    expect(reasons[filtered.id]).toMatch(/^filtered/)
    expect(reasons[paused.id]).toMatch(/^paused/)
    expect(receiver.received).toEqual([])
  })
})

describe('bad input', () => {
  const tooDeep = JSON.parse('{"a":'.repeat(70) + '1' + '}'.repeat(70)) as object
  it.each([
    ['no JSON', 'not json', 400, 'invalid_json', '(body)'],
    ['half a JSON document', '{"type":', 400, 'invalid_json', '(body)'],
    ['no type', { data: {} }, 422, 'invalid_request', 'type'],
    ['a type with spaces', { type: 'aml match', data: {} }, 422, 'invalid_request', 'type'],
    ['a type that is a number', { type: 7, data: {} }, 422, 'invalid_request', 'type'],
    ['a type of 129 characters', { type: 'a'.repeat(129), data: {} }, 422, 'invalid_request', 'type'],
    ['no data', { type: 'a.b' }, 422, 'invalid_request', 'data'],
    ['data that is a list', { type: 'a.b', data: [] }, 422, 'invalid_request', 'data'],
    ['data nested too deeply', { type: 'a.b', data: tooDeep }, 422, 'invalid_request', 'data'],
    ['an empty ttl', { ...event, ttl: '' }, 422, 'invalid_request', 'ttl'],
    ['a ttl that is no duration', { ...event, ttl: 'x'.repeat(101) }, 422, 'invalid_request', 'ttl'],
    ['an unknown field', { ...event, priority: 1 }, 422, 'invalid_request', 'priority'],
    ['an id with a slash', { ...event, id: 'a/b' }, 422, 'invalid_request', 'id'],
    ['an empty id', { ...event, id: '' }, 422, 'invalid_request', 'id'],
    // Standard Webhooks signs `id.timestamp.body`: with a full stop in it, one signature would fit two messages.
    ['an id with a full stop', { ...event, id: 'evt_1.1' }, 422, 'invalid_request', 'id'],
    [
      'a payload of 300 KiB',
      { type: 'a.b', data: { text: 'x'.repeat(300 * 1024) } },
      413,
      'payload_too_large',
      '(body)',
    ],
  ])('%s', async (_name, body, status, code, path) => {
    const { api, key } = await makeTenant(stack)
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const answer = await postText(key, '/events', text)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.body).toMatchObject({ code, status, errors: [{ path }] })
    const list = await api.get('/events').expect(200)
    expect(list.body).toEqual({ data: [], nextCursor: null })
  })

  it('400 for no body at all, but for actions that need none', async () => {
    const { api, key } = await makeTenant(stack)
    const post = (path: string) => supertest(stack.app).post(`/api/v1${path}`).auth(key, { type: 'bearer' })
    const answer = await post('/events').expect(400)
    expect(answer.body).toMatchObject({
      code: 'invalid_json',
      errors: [{ path: '(body)', message: 'is missing' }],
    })
    const { body } = await api.post('/events', event).expect(202)
    await post(`/events/${(body as Accepted).id}/replay`).expect(202)
  })

  it('names the Idempotency-Key header', async () => {
    const { api } = await makeTenant(stack)
    const answer = await api.post('/events', event).set('Idempotency-Key', 'a b').expect(422)
    expect(answer.body).toMatchObject({ errors: [{ path: 'Idempotency-Key' }] })
  })

  it('takes a payload just under the limit', async () => {
    const { api } = await makeTenant(stack)
    const data = { text: 'x'.repeat(256 * 1024 - 100) }
    const { body } = await api.post('/events', { type: 'a.b', data }).expect(202)
    expect((await readLog(api, (body as Accepted).id)).data).toEqual(data)
  })
})

describe('POST /events/batch', () => {
  it('207: each event has its own result, and a bad one spoils no other', async () => {
    const { api } = await makeTenant(stack)
    await api.post('/events', { id: 'known', type: 'a.b', data: { n: 1 } }).expect(202)
    const events = [
      { id: 'new', type: 'a.b', data: {} },
      { id: 'known', type: 'a.b', data: { n: 1 } },
      { id: 'known', type: 'a.b', data: { n: 2 } },
      { type: 'a b', data: {} },
      { type: 'a.b', data: { text: 'x'.repeat(300 * 1024) } },
    ]
    const { body } = await api.post('/events/batch', { events }).expect(207)
    expect(body).toMatchObject({
      results: [
        { status: 202, id: 'new' },
        { status: 200, id: 'known' },
        { status: 409, error: { code: 'event_id_conflict' } },
        { status: 422, error: { code: 'invalid_request', errors: [{ path: 'events.3.type' }] } },
        { status: 413, error: { code: 'payload_too_large', errors: [{ path: 'events.4' }] } },
      ],
    })
    await api.get('/events/new').expect(200)
  })

  it('207: a duplicate key, an unsafe name or too much depth refuses that event alone', async () => {
    const { key } = await makeTenant(stack)
    const of = (id: string, data: string) => `{"id":"${id}","type":"a.b","data":${data}}`
    const events = [
      of('first', '{"n":1}'),
      of('repeats', '{"n":[{"a":1,"a":2}]}'),
      of('proto', '{"n":{"__proto__":1}}'),
      of('deep', `{"n":${'['.repeat(200)}${']'.repeat(200)}}`),
      of('wide', `{"n":[${'1,'.repeat(100_000)}1]}`),
      '{"type":"a.b","data":{},"ttl":""}',
      '{"id":"twice","id":"once","type":"a.b","data":{}}',
      '7',
      of('last', '{"n":2}'),
    ]
    const { body } = await postText(key, '/events/batch', `{"events":[${events.join(' , ')}]}`).expect(207)
    const refused = (path: string) => ({ status: 422, error: { errors: [{ path }] } })
    expect(body).toMatchObject({
      results: [
        { status: 202, id: 'first' },
        refused('events.1.data.n.0.a'),
        refused('events.2.data.n.__proto__'),
        refused('events.3.data.n.0'),
        refused('events.4.data.n'),
        refused('events.5.ttl'),
        refused('events.6.id'),
        refused('events.7'),
        { status: 202, id: 'last' },
      ],
    })
  })

  it('422 if the key of the list is repeated', async () => {
    const { key } = await makeTenant(stack)
    const { body } = await postText(key, '/events/batch', '{"events":[],"events":[{}]}').expect(422)
    expect(body).toMatchObject({ errors: [{ path: 'events', message: 'is a duplicate key' }] })
  })

  it('the first of several with one id is kept', async () => {
    const { api } = await makeTenant(stack)
    const events = [1, 2, 1, 3].map((n) => ({ id: 'same', type: 'a.b', data: { n } }))
    for (let round = 0; round < 5; round++) {
      const ids = [`one-${round}`, `two-${round}`]
      const mixed = ids.flatMap((id) => events.map((one) => ({ ...one, id })))
      const { body } = await api.post('/events/batch', { events: mixed }).expect(207)
      const { results } = body as { results: { status: number }[] }
      expect(results.map(({ status }) => status)).toEqual([202, 409, 200, 409, 202, 409, 200, 409])
      for (const id of ids) expect((await readLog(api, id)).data).toEqual({ n: 1 })
    }
  })

  it('an Idempotency-Key gives events without an id the same ids again', async () => {
    const { api } = await makeTenant(stack)
    const items = [{ type: 'a.b', data: { n: 1 } }, { id: 'own', type: 'a.b', data: {} }, { type: 'a.b' }]
    const post = async (key: string, events: object[]) => {
      const { body } = await api.post('/events/batch', { events }).set('Idempotency-Key', key).expect(207)
      return (body as { results: { status: number; id?: string }[] }).results
    }
    const first = await post('batch-1', items)
    expect(first.map(({ status }) => status)).toEqual([202, 202, 422])
    const again = await post('batch-1', [...items.slice(0, 2), { type: 'a.b', data: { n: 3 } }])
    expect(again.map(({ status }) => status)).toEqual([200, 200, 202])
    expect(again.slice(0, 2).map(({ id }) => id)).toEqual(first.slice(0, 2).map(({ id }) => id))
    const [changed] = await post('batch-1', [{ type: 'a.b', data: { n: 2 } }])
    expect(changed?.status).toBe(409)
    const [other] = await post('batch-2', items)
    expect(other?.status).toBe(202)
    expect(other?.id).not.toBe(first[0]?.id)
    await api.post('/events/batch', { events: items }).set('Idempotency-Key', 'a b').expect(422)
  })

  it('207: an unexpected error in one event loses no other’s id', async () => {
    const { key } = await makeTenant(stack)
    const app = stack.anotherApp({ temporal: failingFor('breaks') })
    const events = ['before', 'breaks', 'after'].map((id) => ({ id, type: 'a.b', data: {} }))
    const items = [...events, { id: 'bad', type: 'a.b', data: {}, ttl: '' }]
    const { body } = await postText(key, '/events/batch', JSON.stringify({ events: items }), app).expect(207)
    expect(body).toMatchObject({
      results: [
        { status: 202, id: 'before' },
        { status: 500, error: { code: 'internal' } },
        { status: 202, id: 'after' },
        { status: 422, error: { errors: [{ path: 'events.3.ttl' }] } },
      ],
    })
  })

  it('422 for more than 100 events', async () => {
    const { api } = await makeTenant(stack)
    const answer = await api
      .post('/events/batch', { events: Array.from({ length: 101 }, () => event) })
      .expect(422)
    expect(answer.body).toMatchObject({ errors: [{ path: 'events' }] })
  })
})

describe('GET /events', () => {
  it('filters by type, status, destination and time, and pages by cursor without repeats', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver())
    const config = { url: receiver.url }
    const subscription = { eventTypes: ['kyc.*'] }
    const made = await api
      .post('/destinations', { name: 'kyc', channel: 'webhook', config, subscription })
      .expect(201)
    const { id: destination } = made.body as { id: string }
    for (const type of ['kyc.one', 'kyc.two', 'aml.one', 'aml.two', 'aml.three']) {
      const { body } = await api.post('/events', { id: type.replace('.', '-'), type, data: {} }).expect(202)
      await settledLog(api, (body as Accepted).id)
    }
    const ids = async (query: string) => {
      const { body } = await api.get(`/events?${query}`).expect(200)
      return (body as { data: { id: string }[] }).data.map(({ id }) => id).sort()
    }
    // The server writes its index after the fact.
    await eventually(
      async () => [await ids('status=delivered'), await ids('status=unrouted')],
      ([delivered, unrouted]) => delivered?.length === 2 && unrouted?.length === 3,
    )
    expect(await ids('type=aml.one')).toEqual(['aml-one'])
    expect(await ids('type=aml.*')).toEqual(['aml-one', 'aml-three', 'aml-two'])
    expect(await ids('status=delivered')).toEqual(['kyc-one', 'kyc-two'])
    expect(await ids('status=unrouted&type=kyc.*')).toEqual([])
    expect(await ids(`destination=${destination}`)).toEqual(['kyc-one', 'kyc-two'])
    expect(await ids(`failing=${destination}`)).toEqual([])
    expect(await ids(`from=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([])
    expect(
      await ids(`from=2020-01-01T00:00:00Z&to=${new Date(Date.now() + 60_000).toISOString()}`),
    ).toHaveLength(5)

    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const { body } = await api.get(`/events?limit=2${cursor && `&cursor=${cursor}`}`).expect(200)
      const page = body as { data: { id: string; deliveries: unknown[] }[]; nextCursor: string | null }
      seen.push(...page.data.map(({ id }) => id))
      cursor = page.nextCursor
    }
    expect(seen.sort()).toEqual(['aml-one', 'aml-three', 'aml-two', 'kyc-one', 'kyc-two'])
  })

  it.each([
    ['limit=0', 'limit'],
    ['status=lost', 'status'],
    ['from=yesterday', 'from'],
    ["type=a' OR TenantId != 'x", 'type'],
    ['cursor=bm90LWEtdG9rZW4', 'cursor'],
    ['colour=red', 'colour'],
  ])('422 for %s', async (query, path) => {
    const { api } = await makeTenant(stack)
    const answer = await api.get(`/events?${query}`).expect(422)
    expect(answer.body).toMatchObject({ errors: [{ path }] })
  })
})

describe('another tenant’s key, or another environment’s', () => {
  it('finds nothing: neither in lists nor by id', async () => {
    const { api, id } = await makeTenant(stack, 'sandbox')
    await api.post('/events', { ...event, id: 'mine' }).expect(202)
    const { api: live } = await makeKey(stack, id, 'production')
    const { api: stranger } = await makeTenant(stack, 'sandbox')
    for (const other of [live, stranger]) {
      await other.get('/events/mine').expect(404)
      await other.post('/events/mine/replay').expect(404)
      await other.post('/events/mine/retry').expect(404)
      await other.post('/events/mine/cancel').expect(404)
      expect((await other.get('/events').expect(200)).body).toEqual({ data: [], nextCursor: null })
    }
  })

  it('404 for an id that names a part of an event', async () => {
    const { api } = await makeTenant(stack)
    await api.post('/events', { ...event, id: 'whole' }).expect(202)
    const { replayId } = (await api.post('/events/whole/replay').expect(202)).body as { replayId: string }
    await api.get(`/events/${encodeURIComponent(`whole/replay/${replayId}`)}`).expect(404)
    await api.get(`/events/${'x'.repeat(2000)}`).expect(404)
  })

  it('403 without the scope', async () => {
    const { api } = await makeTenant(stack, 'sandbox', ['events:read'])
    const answer = await api.post('/events', event).expect(403)
    expect(answer.body).toMatchObject({ code: 'forbidden', detail: 'This key lacks the scope events:write.' })
    await api.get('/events').expect(200)
  })
})
