import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { catalogueTypes, findEntry } from '../../../src/domain/catalogue/index.ts'
import { startReceiver, status, type Receiver, type Respond } from '../../support/servers/receiver.ts'
import { startSmtpReceiver } from '../../support/servers/smtp-receiver.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import {
  eventually,
  makeKey,
  makeTenant,
  readLog,
  settledLog,
  untilTestEnds,
  type Api,
  type EventLog,
} from '../../support/stack.ts'

const stack = sharedStack()

interface Tested {
  eventId: string
  logId: number
  type: string
  delivery: EventLog['deliveries'][number]
}
interface Sent {
  type: string
  data: unknown
}

async function receiver(respond?: Respond): Promise<Receiver> {
  return untilTestEnds(await startReceiver(respond))
}

async function destinationAt(api: Api, { url }: Receiver, more: object = {}) {
  const subscription = { eventTypes: ['all'] }
  const given = { name: 'receiver', channel: 'webhook', config: { url }, subscription, ...more }
  return (await api.post('/destinations', given).expect(201)).body as { id: string; secret: string }
}

async function test(api: Api, id: string, given: object = {}): Promise<Tested> {
  return (await api.post(`/destinations/${id}/test`, given).expect(200)).body as Tested
}

const bodyOf = ({ received }: Receiver, at = 0) => JSON.parse(received[at]?.body ?? '') as Sent

describe('POST /api/v1/destinations/{id}/test sends', () => {
  it.each(catalogueTypes)('%s with its sample payload', async (eventType) => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const { id, secret } = await destinationAt(api, hook)
    const tested = await test(api, id, { eventType })
    expect(tested).toEqual({
      eventId: 'test_1',
      logId: 1,
      type: eventType,
      delivery: {
        destinationId: id,
        channel: 'webhook',
        status: 'delivered',
        attempts: [
          {
            number: 1,
            at: expect.any(String) as string,
            durationMs: expect.any(Number) as number,
            outcome: 'delivered',
            responseCode: 200,
            responseExcerpt: 'ok',
            requestHeaders: expect.objectContaining({ 'webhook-id': 'test_1' }) as object,
          },
        ],
      },
    })
    const [request] = hook.received
    const sent = new Webhook(secret).verify(request?.body ?? '', request?.headers as Record<string, string>)
    expect(sent).toMatchObject({ type: eventType })
    expect((sent as Sent).data).toEqual(findEntry(eventType)?.sample)
    expect(request?.headers).toMatchObject({ 'switchyard-test': 'true', 'webhook-id': 'test_1' })
  })

  it('data of one’s own, also for a type that no catalogue knows', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const { id } = await destinationAt(api, hook)
    const data = { customer: { name: 'Zoë' }, list: [1, null] }
    await test(api, id, { eventType: 'aml.match.found', data })
    await test(api, id, { eventType: 'our.own.type', data: {} })
    expect(bodyOf(hook)).toMatchObject({ type: 'aml.match.found' })
    expect([bodyOf(hook).data, bodyOf(hook, 1).data]).toEqual([data, {}])
    const { type } = await test(api, id, { eventType: 'our.own.type' })
    expect(type).toBe('our.own.type')
    expect(bodyOf(hook, 2).data).toEqual({ message: 'This is a test event; nothing has actually happened.' })
  })

  it('the sample that the tenant has registered for a type', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const { id } = await destinationAt(api, hook)
    const sample = { customer: { name: 'Zoë' } }
    await api.post('/event-types', { type: 'our.own.type', sample }).expect(201)
    await test(api, id, { eventType: 'our.own.type' })
    expect(bodyOf(hook)).toMatchObject({ type: 'our.own.type', data: sample })
  })

  it('a digest, which an email lists like any other digest', async () => {
    const { api } = await makeTenant(stack)
    const smtp = untilTestEnds(await startSmtpReceiver())
    const config = { to: ['a@x.io'], from: 'b@x.io', smtpUrl: `smtp://127.0.0.1:${smtp.port}` }
    const subscription = { eventTypes: ['all'] }
    const made = await api.post('/destinations', { name: 'Mail', channel: 'email', config, subscription })
    await test(api, (made.body as { id: string }).id, { eventType: 'digest' })
    expect(smtp.mails[0]?.subject).toBe('Test: 2 events: Hourly digest (sandbox)')
    expect(smtp.mails[0]?.text).toContain('In common: data.customerId: cus_17')
  })

  it.each([
    [['all'], 'test'],
    [['aml.*'], 'test'],
    [['our.own.type'], 'test'],
    [['aml.*', 'case.opened', 'case.resolved'], 'case.opened'],
    [['AML_SCREENING'], 'AML_SCREENING'],
  ])('by default, where the subscription is %j, the type %s', async (eventTypes, type) => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const { id } = await destinationAt(api, hook, { subscription: { eventTypes } })
    expect((await test(api, id)).type).toBe(type)
    expect(bodyOf(hook)).toMatchObject({ type, data: findEntry(type)?.sample })
  })

  it('whatever the destination subscribes to and filters, and to no other', async () => {
    const { api } = await makeTenant(stack)
    const [hook, other] = [await receiver(), await receiver()]
    const subscription = { eventTypes: ['case.opened'], filter: { 'data.n': 1 } }
    const { id } = await destinationAt(api, hook, { subscription })
    await destinationAt(api, other)
    const { eventId } = await test(api, id, { eventType: 'aml.match.found', data: { n: 2 } })
    expect(await settledLog(api, eventId)).toMatchObject({
      routing: [{ destinationId: id, matched: true, reason: 'requested by a test' }],
    })
    expect([hook.received.length, other.received.length]).toEqual([1, 0])
  })

  it('to a paused destination, which stays paused', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const { id } = await destinationAt(api, hook, { status: 'paused' })
    expect(await test(api, id)).toMatchObject({ delivery: { status: 'delivered' } })
    expect(hook.received).toHaveLength(1)
    expect((await api.get(`/destinations/${id}`)).body).toMatchObject({ status: 'paused' })
  })

  it('in the destination’s wire format, signed as it signs', async () => {
    const { api, apiSecret = '' } = await makeTenant(stack)
    const hook = await receiver()
    const { id } = await destinationAt(api, hook, { config: { url: hook.url, wireFormat: 'smart-kyc' } })
    await test(api, id, { eventType: 'aml.match.found' })
    const [request] = hook.received
    const signature = createHmac('sha256', apiSecret)
      .update(request?.body ?? '')
      .digest('hex')
    expect(request?.headers['x-smartkyc-signature']).toBe(signature)
    expect(JSON.parse(request?.body ?? '')).toMatchObject({ event: 'aml.match.found' })
  })

  async function testByEmail() {
    const { api } = await makeTenant(stack)
    const mail = untilTestEnds(await startSmtpReceiver())
    const config = { to: ['a@example.com'], from: 'b@example.com', smtpUrl: `smtp://127.0.0.1:${mail.port}` }
    const given = { name: 'On call', channel: 'email', config, subscription: { eventTypes: ['all'] } }
    const { id } = (await api.post('/destinations', given).expect(201)).body as { id: string }
    const tested = await test(api, id, { eventType: 'case.opened', data: { caseId: 'c-77' } })
    expect(mail.mails).toHaveLength(1)
    return { tested, mail: mail.mails[0] }
  }

  it('an email, too', async () => {
    const { tested, mail } = await testByEmail()
    expect(tested).toMatchObject({
      type: 'case.opened',
      delivery: { channel: 'email', status: 'delivered', attempts: [{ number: 1 }] },
    })
    expect(mail?.subject).toBe('Test: Case opened (sandbox)')
    expect(mail?.text).toContain('c-77')
  })

  it('an email whose subject tells its reader that it is a test', async () => {
    const { mail } = await testByEmail()
    expect(mail?.subject).toMatch(/\btest\b/i)
  })
})

describe('a test that fails', () => {
  it.each([
    ['HTTP 500: Internal Server Error', status(500)],
    ['HTTP 503: Service Unavailable', status(503, { 'retry-after': '1' })],
  ])('with "%s" is tried once, whatever the schedule, and is in the event’s log', async (error, respond) => {
    const { api } = await makeTenant(stack)
    const hook = await receiver(respond)
    const { id } = await destinationAt(api, hook, { delivery: { schedule: ['0s', '10ms', '10ms'] } })
    const { eventId, delivery } = await test(api, id)
    expect(delivery).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/^exhausted: /) as string,
      attempts: [{ number: 1, outcome: 'failed', error }],
    })
    // Its workflow has ended: nothing is left that could send another.
    const log = await readLog(api, eventId)
    expect(log).toMatchObject({ id: eventId, test: true, status: 'failed' })
    expect(log.deliveries).toEqual([delivery])
    expect(hook.received).toHaveLength(1)
  })

  it('without an answer says so within the destination’s own timeout', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver(() => undefined)
    const { id } = await destinationAt(api, hook, { delivery: { timeoutMs: 300 } })
    expect((await test(api, id)).delivery.attempts).toMatchObject([{ error: 'no response within 300 ms' }])
    expect(hook.received).toHaveLength(1)
  })

  it('is listed among the events as a test, and numbers go on', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await destinationAt(api, await receiver(status(500)))
    expect([await test(api, id), await test(api, id)]).toMatchObject([{ logId: 1 }, { logId: 2 }])
    const { body } = await eventually(
      () => api.get('/events?status=failed').expect(200),
      ({ body }) => (body as { data: unknown[] }).data.length === 2,
    )
    const { data } = body as { data: { id: string; test?: true }[] }
    expect(data.map(({ id, test }) => [id, test]).sort()).toEqual([
      ['test_1', true],
      ['test_2', true],
    ])
  })
})

describe('what is asked wrongly, or by others', () => {
  it.each<[body: object, path: string]>([
    [{ eventType: 'a b' }, 'eventType'],
    [{ eventType: 7 }, 'eventType'],
    [{ data: [] }, 'data'],
    [{ url: 'https://example.com/' }, 'url'],
  ])('422 for %j names %s, and nothing is sent', async (body, path) => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const { id } = await destinationAt(api, hook)
    const answer = await api.post(`/destinations/${id}/test`, body).expect(422)
    expect(answer.body).toMatchObject({ errors: [{ path }] })
    expect((await test(api, id)).logId).toBe(1)
    expect(hook.received).toHaveLength(1)
  })

  it('404 for a destination that there is not, that was deleted, or that is another’s', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const hook = await receiver()
    const { id } = await destinationAt(api, hook)
    const { api: live } = await makeKey(stack, tenantId, 'production')
    const { api: stranger } = await makeTenant(stack)
    await live.post(`/destinations/${id}/test`).expect(404)
    await stranger.post(`/destinations/${id}/test`).expect(404)
    await api.post('/destinations/dst_nobody/test').expect(404)
    await api.delete(`/destinations/${id}`).expect(204)
    await api.post(`/destinations/${id}/test`).expect(404)
    expect(hook.received).toHaveLength(0)
  })
})
