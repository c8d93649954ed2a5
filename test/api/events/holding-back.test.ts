import { describe, expect, it, onTestFinished } from 'vitest'
import { makeAttempt } from '../../../src/activities/attempt/attempt.ts'
import { createCircuits } from '../../../src/activities/limits/circuits.ts'
import { createLanes } from '../../../src/activities/limits/lanes.ts'
import { createThrottles } from '../../../src/activities/limits/throttles.ts'
import { createEgress } from '../../../src/egress/egress.ts'
import { createMailLimits } from '../../../src/db/limits/mail-limits.ts'
import { reservePace } from '../../../src/db/limits/pace.ts'
import { getOrderKey } from '../../../src/domain/delivery/ordering.ts'
import { createLog } from '../../../src/log.ts'
import { createExposition } from '../../../src/metrics/exposition.ts'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import { startEvent } from '../../../src/temporal/start-event.ts'
import { enterTurn } from '../../../src/temporal/turns.ts'
import { eventWorkflowId } from '../../../src/workflows/contract/event.ts'
import { leaveSignal, turnsWorkflowId } from '../../../src/workflows/contract/turns.ts'
import { makeEvent } from '../../support/event.ts'
import { after, startReceiver, status, type Receiver, type Respond } from '../../support/servers/receiver.ts'
import {
  eventually,
  createTestCompute,
  makeTenant,
  readLog,
  settledLog,
  stackOfFile,
  untilTestEnds,
  waitingLog,
  type Api,
} from '../../support/stack.ts'

const stack = stackOfFile()

interface Place {
  tenantId: string
  api: Api
  receiver: Receiver
  destinationId: string
}

async function destinationWith(
  delivery: object,
  respond?: Respond,
  channel: 'webhook' | 'slack' = 'webhook',
): Promise<Place> {
  const { api, id: tenantId } = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(respond))
  const given = {
    name: 'receiver',
    channel,
    config: channel === 'slack' ? { webhookUrl: receiver.url } : { url: receiver.url },
    subscription: { eventTypes: ['all'] },
    delivery,
  }
  const { body } = await api.post('/destinations', given).expect(201)
  return { tenantId, api, receiver, destinationId: (body as { id: string }).id }
}

function post(api: Api, id: string, data: object = {}, more: object = {}) {
  return api.post('/events', { id, type: 'aml.match.found', data, ...more }).expect(202)
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => `e${index + 1}`)
const arrived = ({ receiver }: Place) => receiver.received.map(({ headers }) => String(headers['webhook-id']))

describe('a destination with a rate limit', { timeout: 60_000 }, () => {
  it('gets every event, in order, and those beyond the limit wait with the time of their attempt', async () => {
    const place = await destinationWith({ maxPerSecond: 10 })
    // Places up to some seconds from now are taken, as if many events had come before.
    const nextAt = new Date(Date.now() + 12_000)
    await stack.db.pace.create({ data: { destinationId: place.destinationId, nextAt, taken: 0 } })
    for (const id of ids(20)) await post(place.api, id)
    const waiting = await eventually(
      () => readLog(place.api, 'e20'),
      ({ deliveries }) => deliveries[0]?.nextAttemptAt !== undefined,
    )
    expect(waiting.deliveries[0]).toMatchObject({
      status: 'held',
      reason: 'rate limit: at most 10 attempts per second',
      attempts: [],
    })
    await eventually(
      () => Promise.resolve(arrived(place).length),
      (count) => count === 20,
    )
    expect(arrived(place)).toEqual(ids(20))
    const { deliveries } = await settledLog(place.api, 'e20')
    expect(deliveries[0]).toMatchObject({ status: 'delivered', attempts: [{ number: 1 }] })
  })

  it('has its places a second divided by the limit apart, each given once, whoever asks', async () => {
    const { destinationId } = await destinationWith({})
    const places = await Promise.all(ids(20).map(() => reservePace(stack.db, destinationId, 2_000)))
    places.sort((left, right) => left.number - right.number)
    expect(places.map(({ number }) => number)).toEqual(places.map((_, index) => index + 1))
    const seconds = places.map(({ at }) => Math.round((at - (places[0]?.at ?? 0)) / 1000))
    expect(seconds).toEqual(places.map((_, index) => index * 2))
  })

  it('has failed where an operator ended the workflow of an event that waited', async () => {
    const place = await destinationWith({ maxPerSecond: 0.1 })
    await post(place.api, 'e1')
    await post(place.api, 'e2')
    await waitingLog(place.api, 'e2')
    const scope = { tenantId: place.tenantId, environment: 'sandbox' } as const
    await stack.temporal.workflow.getHandle(eventWorkflowId({ ...scope, eventId: 'e2' })).terminate()
    const log = await settledLog(place.api, 'e2')
    expect(log.deliveries[0]).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('terminated') as string,
    })
    expect(log.deliveries[0]).not.toHaveProperty('nextAttemptAt')
  })

  it('keeps the limit when an attempt is asked for now', async () => {
    const place = await destinationWith({ maxPerSecond: 0.1 })
    await post(place.api, 'e1')
    await settledLog(place.api, 'e1')
    await post(place.api, 'e2')
    await eventually(
      () => readLog(place.api, 'e2'),
      ({ deliveries }) => deliveries[0]?.status === 'held',
    )
    const { nextAttemptAt } = (await readLog(place.api, 'e2')).deliveries[0] ?? {}
    await place.api.post('/events/e2/retry').expect(202)
    // It was asked for, and put back to the very same place: a moment earlier or later by the rounding of clocks.
    const log = await eventually(
      () => readLog(place.api, 'e2'),
      ({ deliveries }) => deliveries[0]?.nextAttemptAt !== nextAttemptAt,
    )
    expect(log.deliveries[0]).toMatchObject({ status: 'held', attempts: [] })
    expect(arrived(place)).toEqual(['e1'])
  })
})

describe('a destination that answers 429', { timeout: 60_000 }, () => {
  /** Takes one request a second. */
  function oneASecond(): Respond {
    let nextAt = 0
    return (response) => {
      const taken = Date.now() >= nextAt
      if (taken) nextAt = Date.now() + 1_000
      response.writeHead(taken ? 200 : 429, { 'retry-after': '1' }).end('ok')
    }
  }

  it.each(['webhook', 'slack'] as const)(
    '%s: gets a whole burst at its own rate, and is never taken to fail',
    async (channel) => {
      const place = await destinationWith({}, oneASecond(), channel)
      await Promise.all(ids(12).map((id) => post(place.api, id)))
      for (const id of ids(12)) {
        const log = await eventually(
          () => readLog(place.api, id),
          ({ status: now }) => now === 'delivered',
        )
        expect(log.deliveries[0]?.attempts.at(-1)).toMatchObject({ responseCode: 200 })
      }
      const { body } = await place.api.get(`/destinations/${place.destinationId}`).expect(200)
      expect(body).not.toHaveProperty('failingSince')
    },
  )

  it('is not called again before the time it asked for', async () => {
    const place = await destinationWith({}, status(429, { 'retry-after': '60' }))
    await post(place.api, 'e1')
    await waitingLog(place.api, 'e1')
    await post(place.api, 'e2')
    const { deliveries } = await waitingLog(place.api, 'e2')
    expect(deliveries[0]).toMatchObject({
      status: 'held',
      reason: 'rate limit: the receiver asked for fewer requests (HTTP 429)',
      attempts: [],
    })
    expect(arrived(place)).toEqual(['e1'])
  })
})

it('a Slack destination takes one message a second unless its policy says otherwise', async () => {
  const { api } = await makeTenant(stack)
  const given = {
    name: 'On call',
    channel: 'slack',
    config: { webhookUrl: 'https://hooks.slack.com/services/T1/B1/XXX4pq9ZZw0aBcDeFgHiJkLm' },
    subscription: { eventTypes: ['all'] },
  }
  const { body } = await api.post('/destinations', given).expect(201)
  expect(body).toMatchObject({ delivery: { maxPerSecond: 1 } })
  const path = `/destinations/${(body as { id: string }).id}`
  const change = async (maxPerSecond: number | null) =>
    (await api.patch(path, { delivery: { maxPerSecond } }).expect(200)).body as object
  expect(await change(20)).toMatchObject({ delivery: { maxPerSecond: 20 } })
  expect(await change(null)).toMatchObject({ delivery: { maxPerSecond: 1 } })
})

describe('a destination with a concurrency cap', () => {
  it('never has more attempts under way at once, and gets every event', async () => {
    let underWay = 0
    let most = 0
    const place = await destinationWith({ maxConcurrent: 2 }, (response) => {
      most = Math.max(most, ++underWay)
      setTimeout(() => {
        underWay--
        response.writeHead(200).end()
      }, 500)
    })
    await Promise.all(ids(12).map((id) => post(place.api, id)))
    for (const id of ids(12)) expect((await settledLog(place.api, id)).status).toBe('delivered')
    expect(most).toBe(2)
    expect(new Set(arrived(place)).size).toBe(12)
  })

  it('gives the place to others while an event waits for its next attempt', async () => {
    const place = await destinationWith(
      { maxConcurrent: 1, schedule: ['0s', '1h'] },
      (response, { headers }) => response.writeHead(headers['webhook-id'] === 'e1' ? 500 : 200).end(),
    )
    await post(place.api, 'e1')
    expect((await waitingLog(place.api, 'e1')).deliveries[0]).toMatchObject({
      status: 'pending',
      attempts: [{}],
    })
    await post(place.api, 'e2')
    expect((await settledLog(place.api, 'e2')).status).toBe('delivered')
  })
})

describe('an ordered destination', () => {
  const ordering = { by: 'data.customerId' }

  it('gets the events of one key in the order in which they were accepted, through retries', async () => {
    const failing = new Map([
      ['a2', 2],
      ['b1', 1],
    ])
    const place = await destinationWith(
      { ordering, schedule: ['0s', '1s', '1s', '1s'] },
      (response, { headers }) => {
        const id = String(headers['webhook-id'])
        const left = failing.get(id) ?? 0
        failing.set(id, left - 1)
        response.writeHead(left > 0 ? 503 : 200).end()
      },
    )
    for (const id of ['a1', 'b1', 'a2', 'b2', 'a3', 'b3', 'a4'])
      await post(place.api, id, { customerId: id.slice(0, 1) })
    const held = await eventually(
      () => readLog(place.api, 'a3'),
      ({ deliveries }) => deliveries.length > 0,
    )
    expect(held.deliveries[0]).toMatchObject({
      status: 'held',
      reason: 'ordered: an earlier event with data.customerId = "a" is not done',
    })
    for (const id of ['a4', 'b3']) expect((await settledLog(place.api, id)).status).toBe('delivered')
    const of = (key: string) => arrived(place).filter((id) => id.startsWith(key))
    expect(of('a')).toEqual(['a1', 'a2', 'a2', 'a2', 'a3', 'a4'])
    expect(of('b')).toEqual(['b1', 'b1', 'b2', 'b3'])
  })

  it('lets keys run side by side: one that fails holds up no other', async () => {
    const place = await destinationWith({ ordering, schedule: ['0s', '1h'] }, (response, { body }) =>
      response.writeHead(body.includes('"stuck"') ? 500 : 200).end(),
    )
    await post(place.api, 'e1', { customerId: 'stuck' })
    await post(place.api, 'e2', { customerId: 'stuck' })
    await post(place.api, 'e3', { customerId: 'free' })
    await post(place.api, 'e4')
    expect((await settledLog(place.api, 'e3')).status).toBe('delivered')
    expect((await settledLog(place.api, 'e4')).status).toBe('delivered')
    expect(arrived(place)).not.toContain('e2')
  })

  it('goes on with the next event of a key when one is exhausted, and when one is cancelled', async () => {
    const place = await destinationWith({ ordering, schedule: ['0s', '1h'] }, (response, { headers }) =>
      response.writeHead(headers['webhook-id'] === 'e3' ? 200 : 500).end(),
    )
    for (const id of ids(3)) await post(place.api, id, { customerId: 1 })
    await eventually(
      () => readLog(place.api, 'e1'),
      ({ deliveries }) => deliveries[0]?.nextAttemptAt !== undefined,
    )
    await place.api.post('/events/e1/retry').expect(202)
    const first = await settledLog(place.api, 'e1')
    expect(first.deliveries[0]).toMatchObject({
      status: 'failed',
      reason: 'exhausted: all 2 attempts failed; the next event with data.customerId = 1 goes ahead',
    })
    await eventually(
      () => readLog(place.api, 'e2'),
      ({ deliveries }) => deliveries[0]?.nextAttemptAt !== undefined,
    )
    expect(arrived(place)).toEqual(['e1', 'e1', 'e2'])
    await place.api.post('/events/e2/cancel').expect(202)
    expect((await settledLog(place.api, 'e3')).status).toBe('delivered')
  })

  it('keeps the order of a batch', async () => {
    const place = await destinationWith({ ordering }, after(20, 200))
    const events = ids(30).map((id) => ({ id, type: 'aml.match.found', data: { customerId: 'one' } }))
    await place.api.post('/events/batch', { events }).expect(207)
    for (const id of ids(30)) expect((await settledLog(place.api, id)).status).toBe('delivered')
    expect(arrived(place)).toEqual(ids(30))
  })

  it('keeps the order of what was accepted while no worker ran', async () => {
    const place = await destinationWith({ ordering })
    await stack.stopWorkers()
    for (const id of ids(15)) await post(place.api, id, { customerId: 'one' })
    await stack.startWorkers()
    for (const id of ids(15)) expect((await settledLog(place.api, id)).status).toBe('delivered')
    expect(arrived(place)).toEqual(ids(15))
  })

  it('keeps the order of an event that was stored although its first post was not answered', async () => {
    const place = await destinationWith({ ordering })
    const { api, tenantId, destinationId } = place
    await stack.stopWorkers()
    const data = { customerId: 'one' }
    const event = makeEvent({ id: 'e1', tenantId, type: 'aml.match.found', data })
    const order = getOrderKey(event, ordering.by)
    // This is what an API leaves behind that is killed as soon as Temporal has stored the event.
    const queues = [turnsWorkflowId(event, destinationId, order?.hash)]
    await startEvent(stack.temporal, { event, queues }, { eager: false })
    await api.post('/events', { id: 'e1', type: 'aml.match.found', data }).expect(200)
    await post(api, 'e2', data)
    await stack.startWorkers()
    for (const id of ids(2)) expect((await settledLog(api, id)).status).toBe('delivered')
    expect(arrived(place)).toEqual(ids(2))
  })

  it('gets the events of one key in their order when they are replayed', async () => {
    const place = await destinationWith({ ordering, schedule: ['0s'] }, status(404))
    const from = new Date().toISOString()
    for (const id of ids(12)) await post(place.api, id, { customerId: 'one' })
    for (const id of ids(12)) await settledLog(place.api, id)
    place.receiver.received.length = 0
    place.receiver.answer(after(20, 200))
    await place.api.post('/replays', { from, ratePerSecond: 1000 }).expect(202)
    await eventually(
      () => Promise.resolve(arrived(place).length),
      (count) => count === 12,
    )
    expect(arrived(place)).toEqual(ids(12))
  })

  it('keeps its queue when that has grown long and goes on with a new history', async () => {
    const place = await destinationWith({ ordering, schedule: ['0s', '1h'] }, status(500))
    const { api, tenantId } = place
    for (const id of ids(3)) await post(api, id, { customerId: 'one' })
    await eventually(
      () => readLog(api, 'e1'),
      ({ deliveries }) => deliveries[0]?.nextAttemptAt !== undefined,
    )
    const order = getOrderKey({ type: 'aml.match.found', data: { customerId: 'one' } }, ordering.by)
    const scope = { tenantId, environment: 'sandbox' } as const
    const queueId = turnsWorkflowId(scope, place.destinationId, order?.hash)
    const { runId } = await stack.temporal.workflow.getHandle(queueId).describe()
    // Whoever does not stand in it leaves nothing but a long history: it is to be left at 4 MiB.
    const stranger = 'x'.repeat(256 * 1024)
    for (let left = 0; left < 20; left++)
      await stack.temporal.workflow.getHandle(queueId).signal(leaveSignal, stranger)
    await eventually(
      () => stack.temporal.workflow.getHandle(queueId, runId).describe(),
      (described) => described.status.name === 'CONTINUED_AS_NEW',
    )
    place.receiver.answer(status(200))
    await api.post('/events/e1/retry').expect(202)
    expect((await settledLog(api, 'e3')).status).toBe('delivered')
    expect(arrived(place)).toEqual(['e1', 'e1', 'e2', 'e3'])
  })

  it('waits for nobody who was cancelled', async () => {
    const place = await destinationWith({ ordering, schedule: ['0s', '1h'] }, (response, { headers }) =>
      response.writeHead(headers['webhook-id'] === 'e2' ? 200 : 500).end(),
    )
    await post(place.api, 'e1', { customerId: 'one' })
    await post(place.api, 'e2', { customerId: 'one' })
    await place.api.post('/events/e1/cancel').expect(202)
    expect((await settledLog(place.api, 'e2')).status).toBe('delivered')
  })
})

describe('a limit of a destination', () => {
  it('is shown, changed by itself, and taken away by null', async () => {
    const given = { maxPerSecond: 5, maxConcurrent: 2, ordering: { by: 'data.customerId' } }
    const { api, destinationId } = await destinationWith(given)
    const path = `/destinations/${destinationId}`
    const shown = async () => ((await api.get(path).expect(200)).body as { delivery: object }).delivery
    expect(await shown()).toMatchObject(given)
    await api.patch(path, { delivery: { maxPerSecond: 0.5 } }).expect(200)
    expect(await shown()).toMatchObject({ ...given, maxPerSecond: 0.5, timeoutMs: 10_000 })
    const none = { maxPerSecond: null, maxConcurrent: null, ordering: null }
    await api.patch(path, { delivery: none }).expect(200)
    expect(Object.keys(await shown()).sort()).toEqual(['schedule', 'timeoutMs'])
    await post(api, 'e1', { customerId: 1 })
    expect((await settledLog(api, 'e1')).status).toBe('delivered')
  })

  it.each([
    [{ maxPerSecond: 0 }, 'delivery.maxPerSecond'],
    [{ maxPerSecond: 1001 }, 'delivery.maxPerSecond'],
    [{ maxConcurrent: 0 }, 'delivery.maxConcurrent'],
    [{ maxConcurrent: 1.5 }, 'delivery.maxConcurrent'],
    [{ ordering: { by: 'customerId' } }, 'delivery.ordering.by'],
    [{ ordering: { by: 'data.$where' } }, 'delivery.ordering.by'],
    [{ ordering: {} }, 'delivery.ordering.by'],
  ])('is refused as %j', async (delivery, path) => {
    const { api } = await makeTenant(stack)
    const config = { url: 'http://127.0.0.1:9/' }
    const given = { name: 'n', channel: 'webhook', config, subscription: { eventTypes: ['all'] }, delivery }
    const { body } = await api.post('/destinations', given).expect(422)
    expect((body as { errors: { path: string }[] }).errors.map((error) => error.path)).toEqual([path])
  })
})

describe('an event that expires', () => {
  it('gets no attempt that would come later than that, and the log says so', async () => {
    const place = await destinationWith({ schedule: ['0s', '1h'] }, status(500))
    const { body } = await post(place.api, 'e1', {}, { ttl: '10m' })
    const log = await settledLog(place.api, 'e1')
    const expiresAt = new Date(Date.parse((body as { createdAt: string }).createdAt) + 600_000).toISOString()
    expect(log).toMatchObject({ status: 'failed' })
    expect(log.deliveries[0]?.reason).toBe(`expired: no attempt is made after ${expiresAt}`)
    expect(log.deliveries[0]?.attempts).toHaveLength(1)
  })

  it('is recorded, and not sent, when it expired before it could be', async () => {
    const place = await destinationWith({})
    const expiresAt = '2020-01-01T00:00:00.000Z'
    await post(place.api, 'e1', {}, { expiresAt })
    const log = await settledLog(place.api, 'e1')
    expect(log.deliveries[0]).toMatchObject({
      status: 'failed',
      reason: `expired: no attempt is made after ${expiresAt}`,
      attempts: [],
    })
    expect(arrived(place)).toEqual([])
  })

  it('is not sent by an attempt that was asked for in time and comes to be made too late', async () => {
    const { tenantId, destinationId, receiver } = await destinationWith({})
    const egress = createEgress({ allow: [], sandboxLoopback: true })
    onTestFinished(() => egress.close())
    const deps = {
      db: stack.db,
      secretKeys: [],
      context: { egress },
      compute: createTestCompute(createLog('silent')),
      lanes: createLanes(),
      circuits: createCircuits(),
      mailLimits: createMailLimits(stack.db),
      throttles: createThrottles(),
      metrics: createWorkerMetrics(createExposition({ log: createLog('silent') }), []),
      log: createLog('silent'),
    }
    const event = makeEvent({ tenantId, environment: 'sandbox', expiresAt: new Date().toISOString() })
    const request = { destinationId, number: 1, timeoutMs: 1_000 }
    expect(await makeAttempt(deps, event, request)).toEqual({ kind: 'expired' })
    expect(receiver.received).toEqual([])
  })

  it('holds up nobody while it waits to be delivered elsewhere', async () => {
    const place = await destinationWith({ ordering: { by: 'data.customerId' } })
    const waiting = untilTestEnds(await startReceiver(status(500)))
    const config = { url: waiting.url }
    const given = { name: 'other', channel: 'webhook', config, subscription: { eventTypes: ['all'] } }
    await place.api.post('/destinations', { ...given, delivery: { schedule: ['0s', '1h'] } }).expect(201)
    await place.api.post(`/destinations/${place.destinationId}/pause`).expect(200)
    const scope = { tenantId: place.tenantId, environment: 'sandbox' } as const
    await post(place.api, 'e1', { customerId: 'one' })
    await waitingLog(place.api, 'e1')
    // As if the API had been slow to put it into the queue.
    const order = getOrderKey({ type: 'aml.match.found', data: { customerId: 'one' } }, 'data.customerId')
    const queueId = turnsWorkflowId(scope, place.destinationId, order?.hash)
    const workflowId = eventWorkflowId({ ...scope, eventId: 'e1' })
    await enterTurn(stack.temporal, { queueId, workflowId, permits: 1 })
    await place.api.post(`/destinations/${place.destinationId}/resume`).expect(200)
    await post(place.api, 'e2', { customerId: 'one' })
    await eventually(
      () => Promise.resolve(arrived(place)),
      (ids) => ids.includes('e2'),
    )
  })

  it('leaves the queue of an ordered destination', async () => {
    const ordering = { by: 'data.customerId' }
    const place = await destinationWith({ ordering, schedule: ['0s', '3s'] }, status(500))
    await post(place.api, 'e1', { customerId: 'one' })
    await post(place.api, 'e2', { customerId: 'one' }, { ttl: '1s' })
    const log = await settledLog(place.api, 'e2')
    expect(log.deliveries[0]).toMatchObject({ status: 'failed', attempts: [] })
    expect(arrived(place)).toEqual(['e1'])
  })

  it.each([
    [{ ttl: '5 minutes' }, 'ttl'],
    [{ ttl: '0s' }, 'ttl'],
    [{ expiresAt: 'tomorrow' }, 'expiresAt'],
    [{ ttl: '5m', expiresAt: '2030-01-01T00:00:00Z' }, 'ttl'],
  ])('is refused with %j', async (more, path) => {
    const { api } = await makeTenant(stack)
    const { body } = await api.post('/events', { type: 'aml.match.found', data: {}, ...more }).expect(422)
    expect((body as { errors: { path: string }[] }).errors[0]?.path).toBe(path)
  })
})
