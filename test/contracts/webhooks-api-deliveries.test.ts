import type { Client } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import { status } from '../support/servers/receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import {
  apiOf,
  eventually,
  makeKey,
  makeTenant,
  readLog,
  waitingLog,
  type EventLog,
} from '../support/stack.ts'
import {
  createWebhook,
  documentedTime,
  httpsReceiver,
  listWebhooks,
  nativeTwin,
  postEvent,
  postSettled,
  readWebhook,
  triggeredWebhook,
  tryOnce,
  verified,
} from './webhooks-client.ts'

/** The Webhooks API’s document: what its webhooks are sent, over HTTPS, and what they count. */
const stack = sharedStack()

describe('a webhook is sent', () => {
  it('events of its one type, signed with its secret key, and none of another', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    const { secret_key } = await createWebhook(api, {
      event_type: 'case.resolved',
      webhook_url: receiver.url,
    })
    const data = { case_id: 'c-1', name: 'Zoë' }
    for (const type of ['case.opened', 'case.resolved.again', 'screening.completed', 'test']) {
      expect(await postSettled(api, type)).toMatchObject({ status: 'unrouted', deliveries: [] })
    }
    const { id } = await postSettled(api, 'case.resolved', data)
    expect(receiver.received).toHaveLength(1)
    const [request] = receiver.received
    expect(verified(request, secret_key)).toMatchObject({ type: 'case.resolved', data })
    expect(request?.headers).toMatchObject({ 'webhook-id': id, 'content-type': 'application/json' })
    expect(request?.headers).not.toHaveProperty('switchyard-test')
    const { secret_key: another } = await createWebhook(api)
    expect(() => verified(request, another)).toThrow(/signature/i)
  })

  it('with "all" everything, types that no document names included', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    const { secret_key } = await createWebhook(api, { event_type: 'all', webhook_url: receiver.url })
    const types = ['case.opened', 'onboarding.ddq_completed', 'test', 'DOCVER', 'our.own.type']
    for (const type of types) await postSettled(api, type)
    const sent = receiver.received.map((request) => verified(request, secret_key))
    expect(sent).toMatchObject(types.map((type) => ({ type })))
  })

  it('nothing of another environment’s or another tenant’s events', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    await createWebhook(api, { webhook_url: receiver.url })
    const { api: live } = await makeKey(stack, tenantId, 'production')
    const { api: stranger } = await makeTenant(stack)
    for (const other of [live, stranger])
      expect(await postSettled(other, 'case.opened')).toMatchObject({ status: 'unrouted' })
    await postSettled(api, 'case.opened', { mine: true })
    expect(receiver.received.map(({ body }) => (JSON.parse(body) as { data: unknown }).data)).toEqual([
      { mine: true },
    ])
  })

  it('nothing while it is not active: events are skipped, with the reason; again once it is', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    const { id } = await createWebhook(api, { webhook_url: receiver.url })
    await api.patch(`/webhooks/${id}/`, { is_active: false }).expect(200)
    expect(await postSettled(api, 'case.opened')).toMatchObject({
      status: 'unrouted',
      routing: [{ matched: false, reason: expect.stringContaining('paused') as string }],
    })
    await api.patch(`/webhooks/${id}/`, { is_active: true }).expect(200)
    expect(await postSettled(api, 'case.opened')).toMatchObject({ status: 'delivered' })
    expect(receiver.received).toHaveLength(1)
  })

  it('nothing any more once it answered 410, until is_active makes it active again', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver(status(410))
    const { id } = await createWebhook(api, { webhook_url: receiver.url })
    await postSettled(api, 'case.opened')
    expect(await readWebhook(api, id)).toMatchObject({ is_active: false })
    await postSettled(api, 'case.opened')
    expect(receiver.received).toHaveLength(1)
    receiver.answer(status(204))
    await api.patch(`/webhooks/${id}/`, { is_active: true }).expect(200)
    expect(await postSettled(api, 'case.opened')).toMatchObject({ status: 'delivered' })
  })

  it('at its new URL once that is changed, signed with the same secret key', async () => {
    const { api } = await makeTenant(stack)
    const [before, after] = [await httpsReceiver(), await httpsReceiver()]
    const { id, secret_key } = await createWebhook(api, { webhook_url: before.url })
    await api.patch(`/webhooks/${id}/`, { webhook_url: after.url }).expect(200)
    await postSettled(api, 'case.opened')
    expect(before.received).toHaveLength(0)
    expect(verified(after.received[0], secret_key)).toMatchObject({ type: 'case.opened' })
  })
})

describe('filters are applied:', () => {
  const high = { risk_level: 'high', customer: { country: 'DE' } }
  const low = { risk_level: 'low', customer: { country: 'FR' } }
  const silent = { customer: null }
  async function expectFiltered(filters: object, passes: object[], stays: object[]) {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    const given = { event_type: 'screening.completed', webhook_url: receiver.url, filters }
    const { id } = await createWebhook(api, given)
    expect((await readWebhook(api, id)).filters).toEqual(filters)
    for (const data of [...passes, ...stays]) await postSettled(api, 'screening.completed', data)
    expect(receiver.received.map(({ body }) => (JSON.parse(body) as { data: unknown }).data)).toEqual(passes)
  }

  it.each<[filters: object, passes: object[], stays: object[]]>([
    [{}, [high, low, silent], []],
    [{ risk_level: 'high' }, [high], [low, silent]],
    [{ 'customer.country': 'FR' }, [low], [high, silent]],
    [{ 'data.risk_level': { $in: ['high', 'critical'] } }, [high], [low, silent]],
    [{ risk_level: { $exists: false } }, [silent], [high, low]],
    [{ risk_level: 'high', 'data.customer.country': 'FR' }, [], [high, low]],
    [{ type: 'screening.completed', risk_level: 'low' }, [low], [high]],
    [{ $or: [{ 'data.risk_level': 'high' }, { 'data.customer.country': 'FR' }] }, [high, low], [silent]],
  ])('%j', expectFiltered)

  it.each<[filters: object, passes: object[], stays: object[]]>([
    [{ $or: [{ risk_level: 'high' }, { 'customer.country': 'FR' }] }, [high, low], [silent]],
    [{ $and: [{ risk_level: 'high' }, { 'customer.country': 'DE' }] }, [high], [low, silent]],
    [{ $nor: [{ risk_level: 'high' }] }, [low, silent], [high]],
  ])('a bare field inside an operator means the payload’s, too: %j', expectFiltered)

  it('the changed ones, once they are changed', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    const { id } = await createWebhook(api, { webhook_url: receiver.url, filters: { risk_level: 'high' } })
    await postSettled(api, 'case.opened', low)
    await api.patch(`/webhooks/${id}/`, { filters: { risk_level: 'low' } }).expect(200)
    await api.patch(`/webhooks/${id}/`, { description: 'keeps them' }).expect(200)
    await postSettled(api, 'case.opened', low)
    await postSettled(api, 'case.opened', high)
    expect(receiver.received).toHaveLength(1)
    await api.patch(`/webhooks/${id}/`, { filters: {} }).expect(200)
    await postSettled(api, 'case.opened', high)
    expect(receiver.received).toHaveLength(2)
  })
})

describe('stats and last_triggered_at', () => {
  const counts = (total_deliveries: number, successful_deliveries: number, failed_deliveries: number) => ({
    total_deliveries,
    successful_deliveries,
    failed_deliveries,
  })
  const lastAttemptOf = ({ deliveries }: Pick<EventLog, 'deliveries'>) =>
    deliveries.flatMap(({ attempts }) => attempts).at(-1)?.at

  it('count what was delivered and what failed for good, and tell when it was sent last', async () => {
    const { api } = await makeTenant(stack)
    const [receiver, elsewhere] = [await httpsReceiver(), await httpsReceiver()]
    const { id } = await createWebhook(api, { event_type: 'case.opened', webhook_url: receiver.url })
    const other = await createWebhook(api, { event_type: 'case.resolved', webhook_url: elsewhere.url })
    await tryOnce(api, receiver)
    expect(await readWebhook(api, id)).toMatchObject({ stats: counts(0, 0, 0), last_triggered_at: null })

    const elsewhereAt = lastAttemptOf(await postSettled(api, 'case.resolved'))
    for (let n = 0; n < 3; n++) await postSettled(api, 'case.opened')
    receiver.answer(status(500))
    const lastAttemptAt = lastAttemptOf(await postSettled(api, 'case.opened'))
    const webhook = await triggeredWebhook(api, id, { stats: counts(4, 3, 1), lastAttemptAt })
    expect(webhook.last_triggered_at).toMatch(documentedTime)
    await triggeredWebhook(api, other.id, { stats: counts(1, 1, 0), lastAttemptAt: elsewhereAt })
    const { stats, last_triggered_at } = webhook
    expect(await listWebhooks(api)).toMatchObject([
      { id: other.id, stats: counts(1, 1, 0) },
      { id, stats, last_triggered_at },
    ])
  })

  it('count a replay as a delivery of its own', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver(status(500))
    const { id } = await createWebhook(api, { webhook_url: receiver.url })
    await tryOnce(api, receiver)
    const event = await postSettled(api, 'case.opened')
    await triggeredWebhook(api, id, { stats: counts(1, 0, 1), lastAttemptAt: lastAttemptOf(event) })
    receiver.answer(status(200))
    await api.post(`/events/${event.id}/replay`).expect(202)
    const { replays } = await eventually(
      () => readLog(api, event.id),
      (log) => log.replays[0]?.status === 'delivered',
    )
    const lastAttemptAt = replays[0] && lastAttemptOf(replays[0])
    expect(lastAttemptAt).not.toBe(lastAttemptOf(event))
    await triggeredWebhook(api, id, { stats: counts(2, 1, 1), lastAttemptAt })
  })

  it('count one that waits for another attempt as neither, and events that were skipped not at all', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver(status(500))
    const { id } = await createWebhook(api, { webhook_url: receiver.url, filters: { sent: true } })
    const { id: native } = await nativeTwin(api, receiver.url)
    await api.patch(`/destinations/${native}`, { delivery: { schedule: ['0s', '1h'] } }).expect(200)
    await postSettled(api, 'case.opened', { sent: false })
    const waiting = await waitingLog(api, await postEvent(api, 'case.opened', { sent: true }))
    const expected = { stats: counts(1, 0, 0), lastAttemptAt: lastAttemptOf(waiting) }
    await triggeredWebhook(api, id, expected)

    await api.patch(`/webhooks/${id}/`, { is_active: false }).expect(200)
    await postSettled(api, 'case.opened', { sent: true })
    await eventually(
      () => api.get('/events?status=unrouted').expect(200),
      ({ body }) => (body as { data: unknown[] }).data.length === 2,
    )
    expect((await readWebhook(api, id)).stats).toEqual(expected.stats)
  })

  it('are listed with one call of Temporal, however many webhooks there are', async () => {
    const { api, key } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    const { id } = await createWebhook(api, { event_type: 'case.opened', webhook_url: receiver.url })
    for (let others = 0; others < 20; others++) await createWebhook(api, { event_type: 'case.resolved' })
    await postSettled(api, 'case.opened')
    const { stats, last_triggered_at } = await eventually(
      () => readWebhook(api, id),
      (webhook) => webhook.stats.successful_deliveries === 1,
    )

    const calls: PropertyKey[] = []
    const workflowService = new Proxy(stack.temporal.workflowService, {
      get(service, name) {
        if (/Execution/.test(String(name))) calls.push(name)
        return Reflect.get(service, name) as unknown
      },
    })
    const temporal = Object.create(stack.temporal, { workflowService: { value: workflowService } }) as Client
    const webhooks = await listWebhooks(apiOf(stack.anotherApp({ temporal }), key))
    expect(calls).toEqual(['listWorkflowExecutions'])
    expect(webhooks).toHaveLength(21)
    expect(webhooks.at(-1)).toMatchObject({ id, stats, last_triggered_at })
  })
})
