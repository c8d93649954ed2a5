import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook as Verifier } from 'standardwebhooks'
import supertest from 'supertest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFolderArchive } from '../../../src/archive/folder.ts'
import { toDay } from '../../../src/domain/days.ts'
import { eventWorkflowId } from '../../../src/workflows/contract/event.ts'
import { statuses, startReceiver, type Receiver } from '../../support/servers/receiver.ts'
import { endedReplay, startReplay } from '../../support/workflows/replays.ts'
import { forgetExecutions, rollUp } from '../../support/resources/roll-up.ts'
import { closedLog, makeRule, makeWebhook } from '../../support/workflows/rules.ts'
import {
  apiOf,
  eventually,
  makeTenant,
  settledLog,
  startStack,
  untilTestEnds,
  type Api,
  type Stack,
} from '../../support/stack.ts'

let root: string
let stack: Stack
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'switchyard-bytes-test-'))
  stack = await startStack({ archive: createFolderArchive(root) })
})
afterAll(async () => {
  await stack.stop()
  await rm(root, { recursive: true, force: true })
})

/** Everything that parsing and writing again would change: digits, exponents, order of keys, escapes, blanks. */
const data =
  '{ "b": 10.00,"2":-0,"1":9007199254740993.0, "big":[1E400,9007199254740993],\t"e":"\\u00e9\\/\\ud83d \u2028",\n "n":{ } }'

type Tenant = Awaited<ReturnType<typeof makeTenant>>

function postText({ key }: Pick<Tenant, 'key'>, path: string, text: string, app = stack.app) {
  const posting = supertest(app).post(`/api/v1${path}`).auth(key, { type: 'bearer' })
  return posting.set('Content-Type', 'application/json').send(text)
}

async function postData(tenant: Pick<Tenant, 'key'>, fields: object = {}, text = data, app = stack.app) {
  const rest = JSON.stringify({ type: 'aml.match.found', ...fields }).slice(1)
  const answer = await postText(tenant, '/events', `{"data":${text},${rest}`, app).expect(202)
  return (answer.body as { id: string }).id
}

/** The text that a receiver finds at a field of its body, without parsing it. */
function textAt(body: string, name: string): string {
  return body.slice(body.indexOf(`"${name}":`) + name.length + 3)
}

async function addDestination(api: Api, url: string, config: object = {}, more: object = {}) {
  const subscription = { eventTypes: ['aml.*', 'digest'] }
  const delivery = { schedule: ['0s', '1s'] }
  const given = { name: 'r', channel: 'webhook', config: { url, ...config }, subscription, delivery, ...more }
  return (await api.post('/destinations', given).expect(201)).body as { id: string; secret: string }
}

async function makeReceiver(api: Api): Promise<Receiver> {
  const receiver = untilTestEnds(await startReceiver())
  await addDestination(api, receiver.url)
  return receiver
}

const bodies = ({ received }: Receiver) => received.map(({ body }) => body)
const arrived = (receiver: Receiver, count = 1) =>
  eventually(
    () => Promise.resolve(bodies(receiver)),
    ({ length }) => length >= count,
  )

describe('data arrives as it was posted', () => {
  it.each([
    ['standard-webhooks', 'data'],
    ['cloudevents', 'data'],
    ['dataspike', 'payload'],
    ['kyc-webhooks', 'data'],
    ['smart-kyc', 'data'],
  ])('in the wire format %s', async (wireFormat, name) => {
    const tenant = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver())
    const { secret } = await addDestination(tenant.api, receiver.url, { wireFormat })
    await settledLog(tenant.api, await postData(tenant))
    const [request] = receiver.received
    expect(textAt(request?.body ?? '', name).startsWith(data)).toBe(true)
    if (wireFormat === 'standard-webhooks')
      new Verifier(secret).verify(request?.body ?? '', request?.headers as Record<string, string>)
  })

  it('at every attempt, by every replay, and from the archive', async () => {
    const tenant = await makeTenant(stack)
    const { api, id: tenantId } = tenant
    const receiver = await makeReceiver(api)
    receiver.answer(statuses(500))
    const id = await postData(tenant)
    await settledLog(api, id)
    await api.post(`/events/${id}/replay`).expect(202)
    await arrived(receiver, 3)
    await eventually(
      () => closedLog(api, id),
      ({ replays }) => replays[0]?.status === 'delivered',
    )
    await rollUp(stack, [toDay(new Date())])
    await forgetExecutions(stack, tenantId)
    const from = new Date(Date.now() - 3_600_000).toISOString()
    await endedReplay(api, await startReplay(api, { from, source: 'archive', status: 'all' }))
    expect((await arrived(receiver, 4)).map((body) => textAt(body, 'data'))).toEqual(
      Array(4).fill(`${data}}`),
    )
  }, 90_000)

  it('in a batch', async () => {
    const tenant = await makeTenant(stack)
    const receiver = await makeReceiver(tenant.api)
    const event = `{"type":"aml.match.found", "data": ${data} }`
    await postText(tenant, '/events/batch', `{"events": [ ${event} ,${event}]}`).expect(207)
    const both = await arrived(receiver, 2)
    expect(both.map((body) => textAt(body, 'data'))).toEqual([`${data}}`, `${data}}`])
  })

  it('inside of a digest', async () => {
    const tenant = await makeTenant(stack)
    const hook = await makeWebhook(tenant.api)
    await makeRule(tenant.api, {
      digest: { window: '2s', by: 'data.b', max: 100 },
      steps: [{ deliver: { to: [hook.id] } }],
    })
    const event = (n: string) => `{"type":"aml.match.found","data":{"b":${n},"a":1.50}}`
    for (const n of ['10.00', '1e1', '9007199254740993'])
      await postText(tenant, '/events', event(n)).expect(202)
    const digests = (await arrived(hook.receiver, 2)).join('\n')
    expect(digests).toContain('"data":{"b":10.00,"a":1.50}')
    expect(digests).toContain('"data":{"b":1e1,"a":1.50}')
    expect(digests).toContain('"key":9007199254740993,"count":1')
  })

  it('through children, when an event has very many destinations', async () => {
    const tenant = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver())
    for (let n = 0; n < 61; n++) await addDestination(tenant.api, receiver.url)
    await settledLog(tenant.api, await postData(tenant), 60_000)
    expect(new Set(bodies(receiver).map((body) => textAt(body, 'data')))).toEqual(new Set([`${data}}`]))
  }, 90_000)

  it('with PAYLOAD_KEYS', async () => {
    const payloadKeys = [{ id: 'a', key: randomBytes(32) }]
    const encrypted = untilTestEnds(await startStack({ payloadKeys }))
    const tenant = await makeTenant(encrypted)
    const receiver = await makeReceiver(tenant.api)
    receiver.answer(statuses(500))
    const id = await postData(tenant, {}, data, encrypted.app)
    await settledLog(apiOf(encrypted.app, tenant.key), id)
    expect(bodies(receiver).map((body) => textAt(body, 'data'))).toEqual([`${data}}`, `${data}}`])
  }, 60_000)

  it('without growing', async () => {
    const tenant = await makeTenant(stack)
    const receiver = await makeReceiver(tenant.api)
    const list = `{"n":[${'1e20,'.repeat(50_000)}0]}`
    await postData(tenant, {}, list)
    expect(textAt((await arrived(receiver))[0] ?? '', 'data')).toBe(`${list}}`)
  })

  it('in a test', async () => {
    const tenant = await makeTenant(stack)
    const hook = await makeWebhook(tenant.api)
    const posted = '{ "amount": 10.00,"n":9007199254740993 }'
    await postText(tenant, `/destinations/${hook.id}/test`, `{"data":${posted}}`).expect(200)
    expect(textAt(bodies(hook.receiver)[0] ?? '', 'data')).toBe(`${posted}}`)
  })
})

describe('data is shown as it was posted', () => {
  it('by the log, by Dataspike’s history and, as JSON, by Temporal’s UI', async () => {
    const tenant = await makeTenant(stack)
    const { api, id: tenantId, key } = tenant
    const receiver = untilTestEnds(await startReceiver())
    await addDestination(api, receiver.url, { wireFormat: 'dataspike' })
    const id = await postData(tenant)
    await settledLog(api, id)
    expect((await api.get(`/events/${id}`).expect(200)).text).toContain(`"data":${data},`)
    const history = await eventually(
      async () =>
        (await supertest(stack.app).get('/api/v3/notifications/webhook/history').set('ds-api-token', key))
          .text,
      (text) => text.includes(id),
    )
    expect(history).toContain(`"payload":${data},`)

    const workflowId = eventWorkflowId({ tenantId, environment: 'sandbox', eventId: id })
    const { events } = await stack.temporal.workflow.getHandle(workflowId).fetchHistory()
    const [input] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? []
    expect(Buffer.from(input?.metadata?.encoding ?? []).toString()).toBe('json/plain')
    expect(Buffer.from(input?.data ?? []).toString()).toContain(`"data":${data},`)
  })

  it('without what is redacted, and with every other number as it was', async () => {
    const tenant = await makeTenant(stack)
    const { api, id: tenantId } = tenant
    await stack.db.tenant.update({ where: { id: tenantId }, data: { redact: ['data.secret'] } })
    const id = await postData(tenant, {}, '{"secret": 9007199254740993, "shown": 10.00}')
    await settledLog(api, id)
    const { text } = await api.get(`/events/${id}`).expect(200)
    expect(text).toContain('"data":{"secret":"[redacted]","shown":10.00}')
  })

  it('in a template', async () => {
    const tenant = await makeTenant(stack)
    const body =
      '{"n": {{ data.n }}, "all": {{ data }}, "text": "{{ data.amount }} {{ data.amount | times: 2 }}"}'
    const parts = { webhook: { body } }
    const event = '{"type":"a.b","data":{"n":9007199254740993,"amount":10.00}}'
    const asked = `{"parts":${JSON.stringify(parts)},"event":${event}}`
    const { text } = await postText(tenant, '/templates/preview', asked).expect(200)
    expect(text).toContain(
      '"body":{"n": 9007199254740993, "all": {"n":9007199254740993,"amount":10.00}, "text": "10.00 20"}',
    )
    expect(text).toContain(event)
  })
})

describe('numbers are compared exactly', () => {
  it.each([
    ['{"data.n": 9007199254740993}', '9007199254740993', '9007199254740992'],
    ['{"data.n": {"$gt": 9007199254740992}}', '9007199254740993', '9007199254740992'],
    ['{"data.n": {"$in": [9007199254740993]}}', '9007199254740993.0', '9007199254740994'],
    ['{"data.n": {"$lt": {"$numberDecimal": "1e400"}}}', '1e399', '1e401'],
    ['{"data.n": 10}', '10.00', '10.01'],
  ])('by the filter %s', async (filter, passes, doesNot) => {
    const tenant = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver())
    const subscription = `{"eventTypes":["aml.*"],"filter":${filter}}`
    const config = JSON.stringify({ url: receiver.url })
    await postText(
      tenant,
      '/destinations',
      `{"name":"r","channel":"webhook","config":${config},"subscription":${subscription}}`,
    ).expect(201)
    await settledLog(tenant.api, await postData(tenant, {}, `{"n":${passes}}`))
    expect(await settledLog(tenant.api, await postData(tenant, {}, `{"n":${doesNot}}`))).toMatchObject({
      status: 'unrouted',
    })
    expect(bodies(receiver).map((body) => textAt(body, 'data'))).toEqual([`{"n":${passes}}}`])
  })

  it('shows a filter’s number in the form in which it takes it again', async () => {
    const tenant = await makeTenant(stack)
    const filter = '{"data.n":{"$gt":9007199254740993}}'
    const rule = `{"name":"r","when":{"events":["all"],"filter":${filter}},"steps":[{"stop":true}]}`
    const { body } = await postText(tenant, '/rules', rule).expect(201)
    const { id, when } = body as { id: string; when: { filter: object } }
    expect(when.filter).toEqual({ 'data.n': { $gt: { $numberDecimal: '9007199254740993' } } })
    await tenant.api.patch(`/rules/${id}`, { when }).expect(200)
  })

  it('and a setting that would become another number is refused', async () => {
    const tenant = await makeTenant(stack)
    const schema = '{"schema":{"properties":{"n":{"maximum":9007199254740993.0}}},"type":"a.b"}'
    const answer = await postText(tenant, '/event-types', schema).expect(422)
    expect(answer.body).toMatchObject({
      errors: [
        { path: 'schema.properties.n.maximum', message: expect.stringMatching(/^is 9007199254740993.0, /) },
      ],
    })
  })
})

describe('the same event again', () => {
  it('is a duplicate if its data has the same values, however they are written', async () => {
    const tenant = await makeTenant(stack)
    const post = (text: string) => postText(tenant, '/events', `{"id":"one","type":"a.b","data":${text}}`)
    await post('{"n":1.0,"m":[9007199254740993,1e400]}').expect(202)
    await post('{ "m": [9007199254740993.00, 10e399], "n": 1 }').expect(200)
    await post('{"n":1.0,"m":[9007199254740992,1e400]}').expect(409)
    await post('{"n":"1.0","m":[9007199254740993,1e400]}').expect(409)
  })
})
