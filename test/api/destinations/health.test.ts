import { describe, expect, it } from 'vitest'
import { startReceiver, status, type Receiver, type Respond } from '../../support/servers/receiver.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import {
  eventually,
  listedEvents,
  makeTenant,
  readLog,
  settledLog,
  untilTestEnds,
  type Api,
} from '../../support/stack.ts'

const stack = sharedStack()

interface Shown {
  id: string
  status: string
  statusReason?: string
  statusAt: string
  failingSince?: string
}

async function makeDestination(api: Api, receiver: Receiver, eventTypes: string[], delivery?: object) {
  const config = { url: receiver.url }
  const given = { name: 'case system', channel: 'webhook', config, subscription: { eventTypes }, delivery }
  return (await api.post('/destinations', given).expect(201)).body as Shown
}

async function read(api: Api, id: string): Promise<Shown> {
  return (await api.get(`/destinations/${id}`).expect(200)).body as Shown
}

const post = (api: Api, id: string) =>
  api.post('/events', { id, type: 'aml.match.found', data: {} }).expect(202)

const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 3600 * 1000)

describe('a destination that fails', () => {
  it('shows since when, until a delivery arrives', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(status(500)))
    const { id } = await makeDestination(api, receiver, ['all'], { schedule: ['0s'] })
    expect(await read(api, id)).not.toHaveProperty('failingSince')
    await post(api, 'e1')
    await settledLog(api, 'e1')
    const { failingSince = '', ...failing } = await read(api, id)
    expect(Date.parse(failingSince)).toBeGreaterThan(Date.now() - 60_000)
    expect(failing).toMatchObject({ status: 'active' })
    await post(api, 'e2')
    await settledLog(api, 'e2')
    expect((await read(api, id)).failingSince).toBe(failingSince)
    receiver.answer(status(200))
    await post(api, 'e3')
    await settledLog(api, 'e3')
    expect(await read(api, id)).not.toHaveProperty('failingSince')
  })

  it('is not thought of as changed by its failures', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(status(500)))
    const made = await makeDestination(api, receiver, ['all'], { schedule: ['0s'] })
    await post(api, 'e1')
    await settledLog(api, 'e1')
    expect(await read(api, made.id)).toMatchObject({
      updatedAt: (made as unknown as { updatedAt: string }).updatedAt,
    })
  })

  it('is disabled by the first failure after five days of nothing else, and its delivery is given up', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(status(500)))
    const { id } = await makeDestination(api, receiver, ['all'], { schedule: ['0s', '1h'] })
    const failingSince = daysAgo(5.01)
    await stack.db.destination.update({ where: { id }, data: { failingSince } })
    await post(api, 'e1')
    const log = await settledLog(api, 'e1')
    const why = `every attempt since ${failingSince.toISOString()} has failed`
    expect(log.deliveries[0]).toMatchObject({ status: 'failed', reason: `given up: ${why}` })
    expect(await read(api, id)).toMatchObject({ status: 'disabled', statusReason: why })
  })

  it('is not disabled before, nor by a test', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(status(500)))
    const { id } = await makeDestination(api, receiver, ['all'], { schedule: ['0s'] })
    await stack.db.destination.update({ where: { id }, data: { failingSince: daysAgo(4.99) } })
    await post(api, 'e1')
    expect((await settledLog(api, 'e1')).deliveries[0]?.reason).toMatch(/^exhausted/)
    await stack.db.destination.update({ where: { id }, data: { failingSince: daysAgo(6) } })
    await api.post(`/destinations/${id}/test`).expect(200)
    expect(await read(api, id)).toMatchObject({ status: 'active' })
  })
})

describe('an attempt that ends after its destination was changed', () => {
  /** Answers the first request when it is told to, and later ones with 200. */
  function slowly(code: number) {
    let answerFirst: () => void = () => undefined
    const respond: Respond = (response, _request, count) => {
      if (count === 1) answerFirst = () => response.writeHead(code).end()
      else response.writeHead(200).end()
    }
    return { respond, answerFirst: () => answerFirst() }
  }

  async function underWay(code: number, change: object = {}) {
    const { api } = await makeTenant(stack)
    const { respond, answerFirst } = slowly(code)
    const receiver = untilTestEnds(await startReceiver(respond))
    const { id } = await makeDestination(api, receiver, ['all'], { schedule: ['0s', '1s'] })
    await stack.db.destination.update({ where: { id }, data: change })
    await post(api, 'e1')
    await eventually(
      () => Promise.resolve(receiver.received.length),
      (length) => length === 1,
    )
    return { api, id, answerFirst }
  }

  it('with a 410 disables nothing, and its delivery goes to the new target', async () => {
    const { api, id, answerFirst } = await underWay(410)
    const mended = untilTestEnds(await startReceiver())
    await api.patch(`/destinations/${id}`, { config: { url: mended.url } }).expect(200)
    answerFirst()
    expect((await settledLog(api, 'e1')).deliveries[0]).toMatchObject({
      status: 'delivered',
      attempts: [{ outcome: 'failed', responseCode: 410 }, { outcome: 'delivered' }],
    })
    expect(mended.received).toHaveLength(1)
    expect(await read(api, id)).toMatchObject({ status: 'active' })
  })

  it('with a 410 disables nothing that was resumed meanwhile', async () => {
    const { api, id, answerFirst } = await underWay(410)
    await api.post(`/destinations/${id}/pause`).expect(200)
    await api.post(`/destinations/${id}/resume`).expect(200)
    answerFirst()
    expect((await settledLog(api, 'e1')).status).toBe('delivered')
    expect(await read(api, id)).toMatchObject({ status: 'active' })
  })

  it('with a failure says nothing of the new target', async () => {
    const { api, id, answerFirst } = await underWay(500)
    const mended = untilTestEnds(await startReceiver(status(200)))
    await api.patch(`/destinations/${id}`, { config: { url: mended.url } }).expect(200)
    await api.post(`/destinations/${id}/pause`).expect(200)
    answerFirst()
    await settledLog(api, 'e1')
    expect(await read(api, id)).not.toHaveProperty('failingSince')
  })

  it('does not disable, for days of failures, what has got something meanwhile', async () => {
    const { api, id, answerFirst } = await underWay(500, { failingSince: daysAgo(6) })
    await post(api, 'e2')
    await settledLog(api, 'e2')
    answerFirst()
    expect((await settledLog(api, 'e1')).status).toBe('delivered')
    expect(await read(api, id)).toMatchObject({ status: 'active' })
  })
})

describe('the tenant is told', () => {
  it('by events of its own, that a destination was disabled and that it is active again', async () => {
    const { api } = await makeTenant(stack)
    const gone = untilTestEnds(await startReceiver(status(410)))
    const watching = untilTestEnds(await startReceiver())
    const { id } = await makeDestination(api, gone, ['aml.*'])
    await makeDestination(api, watching, ['destination.*'])
    await post(api, 'e1')
    await settledLog(api, 'e1')
    const told = (count: number) =>
      eventually(
        () => Promise.resolve(watching.received.map(({ body }) => JSON.parse(body) as object)),
        (bodies) => bodies.length === count,
      )
    const { statusAt } = await read(api, id)
    expect((await told(1))[0]).toMatchObject({
      type: 'destination.disabled',
      data: {
        destinationId: id,
        name: 'case system',
        channel: 'webhook',
        reason: 'HTTP 410: the receiver is gone',
        at: statusAt,
      },
    })
    await api.post(`/destinations/${id}/resume`).expect(200)
    expect((await told(2))[1]).toMatchObject({
      type: 'destination.recovered',
      data: { destinationId: id, reason: expect.stringContaining(`disabled since ${statusAt}`) as string },
    })
    const types = (await listedEvents(api, 'type=destination.*', 2)).map(({ type }) => type).sort()
    expect(types).toEqual(['destination.disabled', 'destination.recovered'])
  })

  it('once only, however many deliveries found it gone', async () => {
    const { api } = await makeTenant(stack)
    const gone = untilTestEnds(await startReceiver(status(410)))
    await makeDestination(api, gone, ['aml.*'])
    await Promise.all(['e1', 'e2', 'e3', 'e4'].map((id) => post(api, id)))
    for (const id of ['e1', 'e2', 'e3', 'e4']) await settledLog(api, id)
    expect(await listedEvents(api, 'type=destination.disabled')).toHaveLength(1)
  })

  it('nothing when a paused destination is resumed, or an active one once more', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver())
    const { id } = await makeDestination(api, receiver, ['all'])
    await api.post(`/destinations/${id}/resume`).expect(200)
    await api.post(`/destinations/${id}/pause`).expect(200)
    await api.post(`/destinations/${id}/resume`).expect(200)
    await post(api, 'e1')
    await settledLog(api, 'e1')
    expect(receiver.received).toHaveLength(1)
  })
})

describe('the circuit of a destination', () => {
  it('opens after many failures: later events are held with a reason, no attempt is used up, and other destinations go on', async () => {
    const { api } = await makeTenant(stack)
    const failing = untilTestEnds(await startReceiver(status(500)))
    const healthy = untilTestEnds(await startReceiver())
    await makeDestination(api, failing, ['aml.*'], { schedule: ['0s', '1h'] })
    await makeDestination(api, healthy, ['aml.*'])
    for (let count = 1; count <= 10; count++) {
      await post(api, `e${count}`)
      await eventually(
        () => Promise.resolve(failing.received.length),
        (length) => length === count,
      )
    }
    await post(api, 'held')
    const log = await eventually(
      () => readLog(api, 'held'),
      ({ deliveries }) => deliveries.some(({ status }) => status === 'held'),
    )
    const held = log.deliveries.find((delivery) => delivery.status === 'held')
    expect(held).toMatchObject({
      attempts: [],
      reason: expect.stringMatching(/^circuit open since /) as string,
    })
    expect(held?.nextAttemptAt).toBeDefined()
    expect(failing.received).toHaveLength(10)
    await eventually(
      () => Promise.resolve(healthy.received.length),
      (count) => count === 11,
    )
  })
})
