import { describe, expect, it } from 'vitest'
import { Webhook } from 'standardwebhooks'
import { startMailCatcher } from '../../src/embedded/mail.ts'
import {
  after,
  ok,
  silence,
  startReceiver,
  status,
  statuses,
  type Receiver,
  type Respond,
} from '../support/servers/receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import {
  eventually,
  listedEvents,
  makeTenant,
  readLog,
  settledLog,
  untilTestEnds,
  waitingLog,
  type Api,
} from '../support/stack.ts'

const stack = sharedStack()

const all = { eventTypes: ['all'] }

async function receiver(respond?: Respond): Promise<Receiver> {
  return untilTestEnds(await startReceiver(respond))
}

async function webhookTo(api: Api, { url }: Pick<Receiver, 'url'>, more: object = {}) {
  const body = { name: 'receiver', channel: 'webhook', config: { url }, subscription: all, ...more }
  return (await api.post('/destinations', body).expect(201)).body as { id: string; secret: string }
}

async function postEvent(api: Api, data: object = { riskLevel: 'high' }): Promise<string> {
  const { body } = await api.post('/events', { type: 'aml.match.found', data }).expect(202)
  return (body as { id: string }).id
}

describe('one event', () => {
  it('goes out as a signed webhook, an email and a Slack message', async () => {
    const { api } = await makeTenant(stack)
    const [hook, slack] = [await receiver(), await receiver()]
    const mail = untilTestEnds(await startMailCatcher({}))
    const { secret } = await webhookTo(api, hook)
    const email = { to: ['oncall@example.com'], from: 'aml@example.com', smtpUrl: mail.smtpUrl }
    await api
      .post('/destinations', { name: 'On call', channel: 'email', config: email, subscription: all })
      .expect(201)
    const config = { webhookUrl: slack.url }
    await api.post('/destinations', { name: '#aml', channel: 'slack', config, subscription: all }).expect(201)

    const id = await postEvent(api, { matchedName: 'Zoë 🕵️', riskLevel: 'high' })
    const log = await settledLog(api, id)
    expect(log.status).toBe('delivered')
    expect(
      log.deliveries.map(({ channel, status: state, attempts }) => [channel, state, attempts.length]),
    ).toEqual([
      ['webhook', 'delivered', 1],
      ['email', 'delivered', 1],
      ['slack', 'delivered', 1],
    ])
    const [posted] = hook.received
    const verified = new Webhook(secret).verify(posted?.body ?? '', posted?.headers as Record<string, string>)
    expect(verified).toMatchObject({ type: 'aml.match.found', data: { matchedName: 'Zoë 🕵️' } })
    expect(posted?.headers['webhook-id']).toBe(id)
    expect(mail.mails).toHaveLength(1)
    expect(mail.mails[0]).toMatchObject({
      to: ['oncall@example.com'],
      subject: 'AML match: Zoë 🕵️, high risk (sandbox)',
    })
    expect(mail.mails[0]?.text).toContain(id)
    expect(mail.mails[0]?.text).toContain('Zoë 🕵️')
    expect(JSON.parse(slack.received[0]?.body ?? '')).toMatchObject({ blocks: expect.any(Array) as unknown })
  })

  it('reaches one destination whatever becomes of the others', async () => {
    const { api } = await makeTenant(stack)
    const delivery = { schedule: ['0s', '100ms'] }
    const good = await webhookTo(api, await receiver(ok))
    const down = await webhookTo(api, await receiver(status(500)), { delivery })
    const gone = await webhookTo(api, await receiver(status(410)), { delivery })
    const log = await settledLog(api, await postEvent(api))
    expect(log.status).toBe('partial')
    const of = (id: string) => log.deliveries.find(({ destinationId }) => destinationId === id)
    expect(of(good.id)).toMatchObject({ status: 'delivered' })
    expect(of(down.id)).toMatchObject({ status: 'failed', reason: 'exhausted: all 2 attempts failed' })
    expect(of(gone.id)).toMatchObject({
      status: 'failed',
      attempts: [{ outcome: 'rejected', responseCode: 410 }],
    })

    // 410 means never again: the destination is disabled, and the next event says so.
    expect((await api.get(`/destinations/${gone.id}`)).body).toMatchObject({
      status: 'disabled',
      statusReason: 'HTTP 410: the receiver is gone',
    })
    const next = await settledLog(api, await postEvent(api))
    expect(next.routing.find(({ destinationId }) => destinationId === gone.id)).toMatchObject({
      matched: false,
      reason: 'disabled: HTTP 410: the receiver is gone',
    })
  })

  it('waits at least as long as Retry-After asks, in the log as on the wire', async () => {
    const { api } = await makeTenant(stack)
    const busy = await receiver((response, _request, count) =>
      count === 1
        ? status(429, { 'retry-after': '2' })(response, _request, count)
        : ok(response, _request, count),
    )
    await webhookTo(api, busy, { delivery: { schedule: ['0s', '10ms'] } })
    const log = await settledLog(api, await postEvent(api))
    const [first, second] = log.deliveries[0]?.attempts ?? []
    expect(log.status).toBe('delivered')
    expect(Date.parse(second?.at ?? '') - Date.parse(first?.at ?? '')).toBeGreaterThanOrEqual(2000)
  })

  it('keeps what a receiver answered out of the log where it echoes a secret', async () => {
    const { api } = await makeTenant(stack)
    const echo = await receiver((response, { headers }) =>
      response.writeHead(200).end(JSON.stringify(headers)),
    )
    const config = { url: echo.url, headers: { Authorization: 'Bearer receiver-token-123' } }
    await webhookTo(api, echo, { config })
    const id = await postEvent(api)
    await settledLog(api, id)
    const text = JSON.stringify((await api.get(`/events/${id}`)).body)
    expect(echo.received[0]?.headers.authorization).toBe('Bearer receiver-token-123')
    expect(text).toContain('[redacted]')
    expect(text).not.toContain('receiver-token-123')
  })
})

describe('a destination that changes under way', () => {
  it('paused: the waiting attempt becomes a recorded skip', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await webhookTo(api, await receiver(status(500)), {
      delivery: { schedule: ['0s', '500ms', '500ms'] },
    })
    const eventId = await postEvent(api)
    await waitingLog(api, eventId)
    await api.post(`/destinations/${id}/pause`).expect(200)
    const log = await settledLog(api, eventId)
    expect(log.deliveries[0]).toMatchObject({
      status: 'skipped',
      reason: 'the destination is paused: paused by the API',
    })
  })

  it('deleted: likewise', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await webhookTo(api, await receiver(status(500)), {
      delivery: { schedule: ['0s', '500ms', '500ms'] },
    })
    const eventId = await postEvent(api)
    await waitingLog(api, eventId)
    await api.delete(`/destinations/${id}`).expect(204)
    expect((await settledLog(api, eventId)).deliveries[0]).toMatchObject({
      reason: 'the destination was deleted',
    })
  })
})

describe('what can be asked of an event', () => {
  it('retry makes the waiting attempt now', async () => {
    const { api } = await makeTenant(stack)
    const { id: destination } = await webhookTo(api, await receiver(statuses(500)), {
      delivery: { schedule: ['0s', '1h'] },
    })
    const eventId = await postEvent(api)
    await waitingLog(api, eventId)
    expect(
      (await api.post(`/events/${eventId}/retry`, { destination: 'dst_other' }).expect(422)).body,
    ).toMatchObject({
      errors: [{ path: 'destination' }],
    })
    const asked = await api.post(`/events/${eventId}/retry`, { destination }).expect(202)
    expect(asked.body).toEqual({ id: eventId, retrying: [destination] })
    expect((await settledLog(api, eventId)).status).toBe('delivered')
    await api.post(`/events/${eventId}/retry`).expect(409)
  })

  it('retry has nothing to do while the first attempt is in progress', async () => {
    const { api } = await makeTenant(stack)
    const { id: destination } = await webhookTo(api, await receiver(after(3_000, 200)))
    const eventId = await postEvent(api)
    const retried = () => api.post(`/events/${eventId}/retry`, { destination }).expect(409)
    expect((await retried()).body).toMatchObject({
      detail: expect.stringMatching(/first attempts are in progress|an attempt is in progress/) as string,
    })
    await eventually(
      () => readLog(api, eventId),
      ({ deliveries }) => deliveries[0]?.reason === 'the first attempt is in progress',
    )
    expect((await retried()).body).toMatchObject({
      detail: 'No delivery of this event is waiting for a retry: an attempt is in progress.',
    })
    const log = await settledLog(api, eventId)
    expect(log.status).toBe('delivered')
    expect(log.deliveries[0]?.attempts).toHaveLength(1)
  })

  it('cancel ends what waits, and the log keeps what was done', async () => {
    const { api } = await makeTenant(stack)
    await webhookTo(api, await receiver(status(500)), { delivery: { schedule: ['0s', '1h'] } })
    const eventId = await postEvent(api)
    await waitingLog(api, eventId)
    await api.post(`/events/${eventId}/cancel`).expect(202)
    expect((await settledLog(api, eventId)).deliveries[0]).toMatchObject({
      status: 'skipped',
      reason: 'cancelled on request',
      attempts: [{ responseCode: 500 }],
    })
    await api.post(`/events/${eventId}/cancel`).expect(409)
  })

  it('replay sends again with the same id and a new signature, and appears in the log', async () => {
    const { api } = await makeTenant(stack)
    const [first, second] = [await receiver(), await receiver()]
    await webhookTo(api, first)
    const { id: destination, secret } = await webhookTo(api, second)
    const eventId = await postEvent(api)
    await settledLog(api, eventId)
    const { body } = await api.post(`/events/${eventId}/replay`, { destinations: [destination] }).expect(202)
    const log = await eventually(
      () => readLog(api, eventId),
      ({ replays }) => replays[0]?.status === 'delivered',
    )
    expect(log.replays).toMatchObject([
      { ...(body as object), deliveries: [{ destinationId: destination, status: 'delivered' }] },
    ])
    expect(first.received).toHaveLength(1)
    expect(second.received.map(({ headers }) => headers['webhook-id'])).toEqual([eventId, eventId])
    for (const { body, headers } of second.received)
      new Webhook(secret).verify(body, headers as Record<string, string>)
    expect(
      (await api.post(`/events/${eventId}/replay`, { destinations: ['dst_x'] }).expect(422)).body,
    ).toMatchObject({
      errors: [{ path: 'destinations.0' }],
    })
    // A list shows events, and a replay is none.
    expect(await listedEvents(api)).toMatchObject([{ id: eventId }])
  })
})

describe('many', () => {
  it('150 destinations: each gets the event once, and the log holds every attempt', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver(statuses(500, 500, 500))
    const delivery = { schedule: ['0s', '200ms'] }
    const ids: string[] = []
    for (let n = 0; n < 150; n++)
      ids.push((await webhookTo(api, hook, { name: `receiver ${n}`, delivery })).id)
    const eventId = await postEvent(api)
    const log = await settledLog(api, eventId, 60_000)
    expect(log.status).toBe('delivered')
    expect(log.deliveries).toHaveLength(150)
    expect(log.routing).toHaveLength(150)
    expect(log.deliveries.flatMap(({ attempts }) => attempts)).toHaveLength(153)
    expect(hook.received).toHaveLength(153)
    for (const id of [ids[0], ids[149]]) {
      expect(await listedEvents(api, `destination=${id}`)).toMatchObject([{ id: eventId }])
    }
  }, 90_000)

  it('a destination that never answers holds up no other', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const hanging = await webhookTo(api, await receiver(silence), {
      delivery: { schedule: ['0s'], timeoutMs: 2_000 },
    })
    // Not of what is told of the one that hangs.
    await webhookTo(api, hook, { subscription: { eventTypes: ['aml.*'] } })
    const ids = await Promise.all(Array.from({ length: 40 }, () => postEvent(api)))
    const logs = await Promise.all(ids.map((id) => settledLog(api, id, 60_000)))
    expect(hook.received).toHaveLength(40)
    for (const { deliveries } of logs) {
      const hung = deliveries.find(({ destinationId }) => destinationId === hanging.id)
      // Its circuit may open meanwhile, and holds back what has not begun.
      expect(hung?.status).toBe('failed')
      expect(JSON.stringify(hung)).toContain('no response within 2000 ms')
    }
  }, 90_000)
})
