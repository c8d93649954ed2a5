import { describe, expect, it } from 'vitest'
import { eventWorkflowId } from '../../../src/workflows/contract/event.ts'
import { ok, startReceiver, type Receiver, type Respond } from '../../support/servers/receiver.ts'
import {
  eventually,
  makeKey,
  makeTenant,
  readLog,
  settledLog,
  stackOfFile,
  untilTestEnds,
  waitingLog,
} from '../../support/stack.ts'
import {
  addDestination,
  arrivals,
  endedReplay,
  failEvents,
  postEvent,
  readReplay,
  startReplay,
} from '../../support/workflows/replays.ts'

const stack = stackOfFile()

const longAgo = '2020-01-01T00:00:00Z'

/** A tenant with a receiver that answers 500 until it is told otherwise, and a destination that is tried once. */
async function makeFailing() {
  const tenant = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(down))
  const destination = await addDestination(tenant.api, `${origin(receiver)}/A`)
  return { ...tenant, receiver, destination }
}

const down: Respond = (response) => void response.writeHead(500).end()

function origin({ port }: Receiver): string {
  return `http://127.0.0.1:${port}`
}

describe('a replay', () => {
  it('delivers each failed event once, under its own id, and stands in the event’s log', async () => {
    const { api, receiver } = await makeFailing()
    await failEvents(api, ['one', 'two'])
    receiver.answer(ok)
    const before = receiver.received.length
    await postEvent(api, 'three')
    await settledLog(api, 'three')

    const id = await startReplay(api, { from: longAgo })
    const ended = await endedReplay(api, id)
    expect(ended).toMatchObject({ id, status: 'completed', found: 2, started: 2, skipped: 0 })
    expect(ended).toMatchObject({ delivered: 2, failed: 0, unrouted: 0, pending: 0, ratePerSecond: 20 })
    expect(ended.filter).toMatchObject({ status: 'failed', source: 'log' })
    expect(Date.parse(ended.endedAt ?? '')).toBeGreaterThan(Date.parse(ended.createdAt))
    expect(ended.estimatedEndAt).toBeUndefined()
    expect(arrivals(receiver, before)).toEqual(['one>/A', 'three>/A', 'two>/A'])

    const log = await readLog(api, 'one')
    expect(log.status).toBe('failed')
    expect(log.replays).toMatchObject([{ replayId: id, status: 'delivered' }])
    const listed = await api.get('/replays').expect(200)
    expect(listed.body).toMatchObject({ data: [{ id, status: 'completed', started: 2 }], nextCursor: null })
  })

  it('started again replays nothing that has arrived meanwhile', async () => {
    const { api, receiver } = await makeFailing()
    await failEvents(api, ['one', 'two', 'three'])
    receiver.answer(ok)
    await api.post('/events/one/replay').expect(202)
    await eventually(
      () => readLog(api, 'one'),
      ({ replays }) => replays[0]?.status === 'delivered',
    )
    const first = await endedReplay(api, await startReplay(api, { from: longAgo }))
    const alreadyDelivered = { skipped: 1, skippedReasons: { already_delivered: 1 } }
    expect(first).toMatchObject({ found: 3, started: 2, ...alreadyDelivered })
    const second = await endedReplay(api, await startReplay(api, { from: longAgo }))
    expect(second).toMatchObject({ found: 3, started: 0, skippedReasons: { already_delivered: 3 } })
    expect(arrivals(receiver, 3)).toEqual(['one>/A', 'three>/A', 'two>/A'])
  })

  it('leaves to another replay what that one is still at', async () => {
    const { api, destination } = await makeFailing()
    await failEvents(api, ['one', 'two'])
    await api.patch(`/destinations/${destination}`, { delivery: { schedule: ['0s', '1h'] } }).expect(200)
    const { body } = await api.post('/events/one/replay', { destinations: [destination] }).expect(202)
    await eventually(
      () => readLog(api, 'one'),
      ({ replays }) => replays[0]?.deliveries[0]?.nextAttemptAt !== undefined,
    )
    const id = await startReplay(api, { from: longAgo })
    const still = await eventually(
      () => readReplay(api, id),
      ({ status }) => status === 'completed',
    )
    expect(still).toMatchObject({ started: 1, skippedReasons: { replay_running: 1 } })
    expect((await readLog(api, 'one')).replays).toMatchObject([body])
    await eventually(
      () => readReplay(api, id),
      ({ pending }) => pending === 1,
    )
  })

  it('leaves an event to its own run while that goes on', async () => {
    const { api, destination, receiver } = await makeFailing()
    await api.patch(`/destinations/${destination}`, { delivery: { schedule: ['0s', '1h'] } }).expect(200)
    await postEvent(api, 'waits')
    await waitingLog(api, 'waits')
    for (const asked of [{}, { destination }, { destination, status: 'all' }]) {
      const ended = await endedReplay(api, await startReplay(api, { from: longAgo, ...asked }))
      expect(ended).toMatchObject({ found: 0, started: 0, skipped: 0 })
    }
    expect(receiver.received).toHaveLength(1)
  })

  it('takes up an event whose run an operator has ended, whether or not it was routed by then', async () => {
    const { api, id: tenantId, destination, receiver } = await makeFailing()
    const terminate = (eventId: string) =>
      stack.temporal.workflow
        .getHandle(eventWorkflowId({ tenantId, environment: 'sandbox', eventId }))
        .terminate()
    await api.patch(`/destinations/${destination}`, { delivery: { schedule: ['0s', '1h'] } }).expect(200)
    await postEvent(api, 'waited')
    await waitingLog(api, 'waited')
    await terminate('waited')
    await stack.stopWorkers()
    await postEvent(api, 'unrouted')
    await terminate('unrouted')
    await stack.startWorkers()
    receiver.answer(ok)
    const ended = await endedReplay(api, await startReplay(api, { from: longAgo }))
    expect(ended).toMatchObject({ found: 2, started: 2, delivered: 2 })
    expect(arrivals(receiver, 1)).toEqual(['unrouted>/A', 'waited>/A'])
  })

  it('replays no event that has expired', async () => {
    const { api, receiver } = await makeFailing()
    await api.post('/events', { id: 'one', type: 'aml.b', data: {}, ttl: '2s' }).expect(202)
    await settledLog(api, 'one')
    await failEvents(api, ['two'])
    receiver.answer(ok)
    const { expiresAt } = (await readLog(api, 'one')) as unknown as { expiresAt: string }
    await eventually(
      () => Promise.resolve(Date.now()),
      (now) => now > Date.parse(expiresAt),
    )
    const ended = await endedReplay(api, await startReplay(api, { from: longAgo }))
    expect(ended).toMatchObject({ started: 1, skipped: 1, skippedReasons: { expired: 1 } })
    expect(arrivals(receiver, 2)).toEqual(['two>/A'])
  })

  it('of an event with very many destinations goes to the one that failed', { timeout: 60_000 }, async () => {
    const { api, receiver, destination } = await makeFailing()
    await Promise.all(
      Array.from({ length: 70 }, (_, index) => addDestination(api, `${origin(receiver)}/B${index}`)),
    )
    receiver.answer((response, { path }) => void response.writeHead(path === '/A' ? 500 : 200).end())
    await postEvent(api, 'wide')
    expect((await settledLog(api, 'wide')).deliveries).toHaveLength(71)
    receiver.answer(down)
    const asked = { from: longAgo, destination }
    expect(await endedReplay(api, await startReplay(api, asked))).toMatchObject({ started: 1, failed: 1 })
    receiver.answer(ok)
    const all = await endedReplay(api, await startReplay(api, { from: longAgo }))
    expect(all).toMatchObject({ found: 1, started: 1, delivered: 1 })
    expect(arrivals(receiver, 71)).toEqual(['wide>/A', 'wide>/A'])
  })

  it(
    'of what was missed finds it where more have missed the event than a list can name',
    { timeout: 60_000 },
    async () => {
      const { api, receiver } = await makeFailing()
      const paused: string[] = []
      for (let index = 0; index < 55; index++)
        paused.push(await addDestination(api, `${origin(receiver)}/M${index}`))
      const other = await addDestination(api, `${origin(receiver)}/other`, { eventTypes: ['other.type'] })
      await Promise.all([...paused, other].map((id) => api.post(`/destinations/${id}/pause`).expect(200)))
      await failEvents(api, ['one'])
      receiver.answer(ok)
      for (const [destination, started] of [
        [paused[0], 1],
        [paused[54], 1],
        [other, 0],
      ] as const) {
        await api.post(`/destinations/${destination}/resume`).expect(200)
        const id = await startReplay(api, { from: longAgo, status: 'missed', destination })
        expect(await endedReplay(api, id)).toMatchObject({ found: started, started, delivered: started })
      }
      expect(arrivals(receiver, 1)).toEqual(['one>/M0', 'one>/M54'])
    },
  )
})

describe('another tenant, or the other environment', () => {
  it('404 for a replay that is not its own, and none of its events are replayed', async () => {
    const { api, receiver, id: tenantId } = await makeFailing()
    const other = await makeFailing()
    const { api: live } = await makeKey(stack, tenantId, 'production')
    await failEvents(api, ['one'])
    await failEvents(other.api, ['one'])
    for (const one of [receiver, other.receiver]) one.answer(ok)
    const id = await startReplay(api, { from: longAgo })
    await endedReplay(api, id)
    for (const stranger of [other.api, live]) {
      await stranger.get(`/replays/${id}`).expect(404)
      for (const action of ['pause', 'resume', 'cancel'])
        await stranger.post(`/replays/${id}/${action}`).expect(404)
      expect((await stranger.get('/replays').expect(200)).body).toEqual({ data: [], nextCursor: null })
    }
    expect(receiver.received).toHaveLength(2)
    expect(other.receiver.received).toHaveLength(1)
  })

  it('404 for what is no replay’s id', async () => {
    const { api } = await makeTenant(stack)
    for (const id of ['rpl_nosuch', 'nosuch', 'rpl_a%2Fb', '..%2Fx'])
      await api.get(`/replays/${id}`).expect(404)
  })

  it('403 for a key that may only read, or only write', async () => {
    const { id } = await makeTenant(stack)
    const reader = await makeKey(stack, id, 'sandbox', ['events:read'])
    await reader.api.post('/replays', { from: longAgo }).expect(403)
    await reader.api.get('/replays').expect(200)
    const writer = await makeKey(stack, id, 'sandbox', ['events:write'])
    await writer.api.get('/replays').expect(403)
  })
})

describe('identical requests at once', () => {
  it('are one replay: each event arrives once more', async () => {
    const { api, receiver } = await makeFailing()
    await failEvents(api, ['one', 'two', 'three'])
    receiver.answer(ok)
    const before = receiver.received.length
    const answers = await Promise.all(
      [1, 2, 3].map(() => api.post('/replays', { from: longAgo }).expect(202)),
    )
    const ids = answers.map(({ body }) => (body as { id: string }).id)
    expect(new Set(ids).size).toBe(1)
    await endedReplay(api, ids[0] ?? '')
    expect(arrivals(receiver, before)).toEqual(['one>/A', 'three>/A', 'two>/A'])
    // It is over: the same again is another replay.
    expect(((await api.post('/replays', { from: longAgo }).expect(202)).body as { id: string }).id).not.toBe(
      ids[0],
    )
  })

  it('also for a single event, whose key may not be used for other destinations', async () => {
    const { api, receiver, destination } = await makeFailing()
    await failEvents(api, ['one'])
    receiver.answer(ok)
    const replay = (body: object) => api.post('/events/one/replay', body).set('Idempotency-Key', 'once')
    const answers = await Promise.all([1, 2, 3].map(() => replay({}).expect(202)))
    const ids = answers.map(({ body }) => (body as { replayId: string }).replayId)
    expect(new Set(ids).size).toBe(1)
    await replay({ destinations: [destination] }).expect(422)
    await eventually(
      () => readLog(api, 'one'),
      ({ replays }) => replays[0]?.status === 'delivered',
    )
    expect((await readLog(api, 'one')).replays).toHaveLength(1)
  })
})

describe('Idempotency-Key', () => {
  it('the same request again is the same replay, another one with the same key is refused', async () => {
    const { api, receiver } = await makeFailing()
    await failEvents(api, ['one'])
    receiver.answer(ok)
    const post = (body: object) => api.post('/replays', body).set('Idempotency-Key', 'after-the-outage')
    const first = await post({ from: longAgo }).expect(202)
    const again = await post({ from: longAgo }).expect(202)
    expect(again.body).toEqual({ ...(first.body as object), duplicate: true })
    const { id } = first.body as { id: string }
    expect(await endedReplay(api, id)).toMatchObject({ started: 1 })
    expect((await post({ from: longAgo }).expect(202)).body).toEqual({ id, duplicate: true })
    const other = await post({ from: longAgo, status: 'all' }).expect(422)
    expect(other.body).toMatchObject({ errors: [{ path: 'Idempotency-Key' }] })
    expect(receiver.received).toHaveLength(2)
    expect(((await api.get('/replays').expect(200)).body as { data: unknown[] }).data).toHaveLength(1)
  })
})
