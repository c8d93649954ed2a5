import { describe, expect, it } from 'vitest'
import {
  escalatedEvent,
  isWaiting,
  readAcknowledgedLog,
  tenantWhoEscalates,
  tenantWhoWaits,
  waitingEvent,
  type Acknowledgement,
} from '../../support/workflows/acknowledge.ts'
import { startReceiver, status } from '../../support/servers/receiver.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import {
  eventually,
  listedEvents,
  makeKey,
  makeTenant,
  settledLog,
  stackOfFile,
  untilTestEnds,
  waitingLog,
  type Api,
} from '../../support/stack.ts'

const stack = sharedStack()

interface Answer {
  id: string
  acknowledgement: Acknowledgement
  first?: boolean
}

async function acknowledge(api: Api, id: string, body: object = {}): Promise<Answer> {
  return (await api.post(`/events/${id}/ack`, body).expect(200)).body as Answer
}

describe('an event that a rule waits for', () => {
  it('is acknowledged with who and when, which ends the wait', async () => {
    const { api, keyId } = await tenantWhoWaits(stack)
    const id = await waitingEvent({ api })
    const before = new Date().toISOString()
    const answer = await acknowledge(api, id, { by: 'Ann', note: 'I look into it.\r\nMore later.' })
    expect(answer).toEqual({
      id,
      acknowledgement: {
        at: answer.acknowledgement.at,
        by: 'Ann',
        note: 'I look into it.\nMore later.',
        via: 'api',
        keyId,
      },
      first: true,
    })
    expect(answer.acknowledgement.at >= before).toBe(true)
    await settledLog(api, id)
    const log = await readAcknowledgedLog(api, id)
    expect(log.acknowledgement).toEqual(answer.acknowledgement)
    expect(log.steps?.slice(1)).toMatchObject([
      { kind: 'awaitAck', status: 'done', reason: expect.stringContaining('Ann') as string },
    ])
  })

  it('is acknowledged in the name of the key where nobody is named: by its id, if it has none', async () => {
    const tenant = await tenantWhoWaits(stack)
    const named = await waitingEvent(tenant)
    await stack.db.apiKey.update({ where: { id: tenant.keyId }, data: { name: 'Case system' } })
    expect((await acknowledge(tenant.api, named)).acknowledgement.by).toBe('Case system')
    await stack.db.apiKey.update({ where: { id: tenant.keyId }, data: { name: null } })
    const unnamed = await waitingEvent(tenant)
    expect((await acknowledge(tenant.api, unnamed)).acknowledgement.by).toBe(tenant.keyId)
  })

  it('keeps the first acknowledgement, also once it has ended', async () => {
    const { api } = await tenantWhoWaits(stack)
    const id = await waitingEvent({ api })
    const { acknowledgement } = await acknowledge(api, id, { by: 'Ann' })
    await settledLog(api, id)
    const again = await acknowledge(api, id, { by: 'Bob', note: 'me too' })
    expect(again).toEqual({ id, acknowledgement, first: false })
    expect((await readAcknowledgedLog(api, id)).acknowledgement).toEqual(acknowledgement)
  })

  it('says to one of many who come at the same time that he is the first', async () => {
    const { api } = await tenantWhoWaits(stack)
    const id = await waitingEvent({ api })
    const names = ['Ann', 'Bob', 'Cid', 'Dan', 'Eve']
    const answers = await Promise.all(names.map((by) => acknowledge(api, id, { by })))
    const { acknowledgement } = await readAcknowledgedLog(api, id)
    expect(names.filter((_name, at) => answers[at]?.first)).toEqual([acknowledgement?.by])
    for (const answer of answers) expect(answer.acknowledgement).toEqual(acknowledgement)
  })

  it('shows in lists when it was acknowledged', async () => {
    const { api } = await tenantWhoWaits(stack)
    const id = await waitingEvent({ api })
    const { acknowledgement } = await acknowledge(api, id)
    const listed = await eventually(
      () => listedEvents(api) as Promise<{ id: string; acknowledgedAt?: string }[]>,
      ([event]) => event?.acknowledgedAt !== undefined,
    )
    expect(listed).toMatchObject([{ id, acknowledgedAt: acknowledgement.at }])
  })
})

describe('an event that has ended, and a message of which asked for it', () => {
  it('is acknowledged late: in its log, in lists and in the audit log; the first one counts', async () => {
    const { api, keyId } = await tenantWhoEscalates(stack)
    const id = await escalatedEvent({ api })
    const before = await readAcknowledgedLog(api, id)
    expect(before).not.toHaveProperty('acknowledgement')
    const answer = await acknowledge(api, id, { by: 'Ann', note: 'I was asleep.' })
    expect(answer).toMatchObject({ acknowledgement: { by: 'Ann', via: 'api', keyId }, first: true })
    expect(await readAcknowledgedLog(api, id)).toEqual({ ...before, acknowledgement: answer.acknowledgement })
    const again = await acknowledge(api, id, { by: 'Bob' })
    expect(again).toEqual({ ...answer, first: false })
    const [listed] = await eventually(
      () => listedEvents(api) as Promise<{ id: string; acknowledgedAt?: string; status?: string }[]>,
      ([event]) => event?.acknowledgedAt !== undefined,
    )
    expect(listed).toMatchObject({ id, acknowledgedAt: answer.acknowledgement.at, status: 'delivered' })
    const { data } = (await api.get('/audit?action=event.acknowledged').expect(200)).body as {
      data: object[]
    }
    expect(data).toMatchObject([{ subject: id, keyId, after: { by: 'Ann', via: 'api' } }])
  })

  it('by one of many who come at the same time', async () => {
    const { api } = await tenantWhoEscalates(stack)
    const id = await escalatedEvent({ api })
    const names = ['Ann', 'Bob', 'Cid', 'Dan', 'Eve']
    const answers = await Promise.all(names.map((by) => acknowledge(api, id, { by })))
    const { acknowledgement } = await readAcknowledgedLog(api, id)
    expect(names.filter((_name, at) => answers[at]?.first)).toEqual([acknowledgement?.by])
    for (const answer of answers) expect(answer.acknowledgement).toEqual(acknowledgement)
  })

  it('a replay of it by itself', async () => {
    const { api } = await tenantWhoEscalates(stack)
    const id = await escalatedEvent({ api })
    const { acknowledgement } = await acknowledge(api, id, { by: 'Ann' })
    await api.post(`/events/${id}/replay`).expect(202)
    await eventually(
      () => readAcknowledgedLog(api, id),
      ({ replays: [replay] }) => replay !== undefined && replay.status !== 'pending',
    )
    const answer = await acknowledge(api, id, { by: 'Bob' })
    expect(answer).toMatchObject({ acknowledgement: { by: 'Bob' }, first: true })
    const log = await readAcknowledgedLog(api, id)
    expect(log).toMatchObject({ acknowledgement, replays: [{ acknowledgement: answer.acknowledgement }] })
  })
})

describe('an event that nothing waits for', () => {
  it('is acknowledged all the same while it runs, and goes on', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(status(500)))
    const subscription = { eventTypes: ['all'] }
    const config = { url: receiver.url }
    await api.post('/destinations', { name: 'x', channel: 'webhook', config, subscription }).expect(201)
    const { body } = await api.post('/events', { type: 'a.b', data: {} }).expect(202)
    const { id } = body as { id: string }
    await waitingLog(api, id)
    const { acknowledgement } = await acknowledge(api, id, { by: 'Ann' })
    const log = await readAcknowledgedLog(api, id)
    expect(log).toMatchObject({ status: 'pending', acknowledgement })
    expect(await acknowledge(api, id, { by: 'Bob' })).toEqual({ id, acknowledgement, first: false })
  })

  it('409 once it has ended without: the answer says when', async () => {
    const { api } = await makeTenant(stack)
    const { body } = await api.post('/events', { type: 'a.b', data: {} }).expect(202)
    const { id } = body as { id: string }
    await settledLog(api, id)
    const answer = await api.post(`/events/${id}/ack`).expect(409)
    expect(answer.body).toMatchObject({
      code: 'already_ended',
      detail: expect.stringMatching(
        /^No message about this event asked for an acknowledgement, and its workflow ended at 20\d\d-.*Z\.$/,
      ) as string,
    })
    expect(await readAcknowledgedLog(api, id)).not.toHaveProperty('acknowledgement')
  })
})

describe('a replay', () => {
  it('that waits is acknowledged by the event’s id; the event keeps its own acknowledgement', async () => {
    const { api } = await tenantWhoWaits(stack)
    const id = await waitingEvent({ api })
    const { acknowledgement } = await acknowledge(api, id, { by: 'Ann' })
    await settledLog(api, id)
    await api.post(`/events/${id}/replay`).expect(202)
    await eventually(
      () => readAcknowledgedLog(api, id),
      ({ replays: [replay] }) => replay !== undefined && isWaiting(replay),
    )
    const answer = await acknowledge(api, id, { by: 'Bob' })
    expect(answer).toMatchObject({ acknowledgement: { by: 'Bob' }, first: true })
    const log = await readAcknowledgedLog(api, id)
    expect(log.acknowledgement).toEqual(acknowledgement)
    expect(log.replays).toMatchObject([{ acknowledgement: answer.acknowledgement }])
    expect(await acknowledge(api, id, { by: 'Cid' })).toEqual({ id, acknowledgement, first: false })
  })

  it('is acknowledged together with the event while both wait', async () => {
    const { api } = await tenantWhoWaits(stack)
    const id = await waitingEvent({ api })
    await api.post(`/events/${id}/replay`).expect(202)
    await eventually(
      () => readAcknowledgedLog(api, id),
      ({ replays: [replay] }) => replay !== undefined && isWaiting(replay),
    )
    const { acknowledgement } = await acknowledge(api, id, { by: 'Ann' })
    expect(await readAcknowledgedLog(api, id)).toMatchObject({
      acknowledgement,
      replays: [{ acknowledgement }],
    })
  })
})

describe('while no worker runs', () => {
  const idle = stackOfFile({ workers: false })

  it('202: it is kept, and counts once there is one', async () => {
    const { api } = await tenantWhoWaits(idle)
    const { body } = await api.post('/events', { type: 'a.b', data: {} }).expect(202)
    const { id } = body as { id: string }
    const answer = await api.post(`/events/${id}/ack`, { by: 'Ann' }).expect(202)
    expect(answer.body).toEqual({ id, acknowledgement: (answer.body as Answer).acknowledgement })
    await idle.startWorkers()
    await settledLog(api, id)
    const { acknowledgement } = await readAcknowledgedLog(api, id)
    expect(acknowledgement).toEqual((answer.body as Answer).acknowledgement)
  })
})

describe('who may not', () => {
  it('404 for what another tenant or the other environment has, and it stays as it is', async () => {
    const tenant = await tenantWhoWaits(stack)
    const id = await waitingEvent(tenant)
    const { api: stranger } = await makeTenant(stack)
    const { api: live } = await makeKey(stack, tenant.id, 'production')
    await stranger.post(`/events/${id}/ack`).expect(404)
    await live.post(`/events/${id}/ack`).expect(404)
    await tenant.api.post('/events/evt_unknown/ack').expect(404)
    await tenant.api.post(`/events/${encodeURIComponent(`${id}/replay/x`)}/ack`).expect(404)
    expect(await readAcknowledgedLog(tenant.api, id)).not.toHaveProperty('acknowledgement')
  })

  it('403 for a key that may only read', async () => {
    const tenant = await tenantWhoWaits(stack)
    const id = await waitingEvent(tenant)
    const { api } = await makeKey(stack, tenant.id, 'sandbox', ['events:read'])
    await api.post(`/events/${id}/ack`).expect(403)
    expect(await readAcknowledgedLog(tenant.api, id)).not.toHaveProperty('acknowledgement')
  })

  it.each<[path: string, what: string, value: unknown]>([
    ['by', 'empty', ''], ['by', 'too long', 'x'.repeat(201)], ['by', 'of two lines', 'a\nb'], ['by', 'no text', 7],
    ['note', 'empty', ' '], ['note', 'too long', 'x'.repeat(1001)], ['note', 'with a NUL', 'a\u0000b'],
    ['note', 'with an escape sequence', 'a\u001bb'], ['at', 'not taken', '2026-01-01T00:00:00Z'], ['via', 'not taken', 'link'],
  ])('422 names %s that is %s', async (path, _what, value) => {
    const { api } = await makeTenant(stack)
    const answer = await api.post('/events/evt_any/ack', { [path]: value }).expect(422)
    expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ path }] })
  }) // prettier-ignore
})
