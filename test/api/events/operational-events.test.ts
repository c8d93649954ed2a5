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

const receiver = async (respond?: Respond): Promise<Receiver> => untilTestEnds(await startReceiver(respond))

async function makeDestination(api: Api, { url }: Receiver, eventTypes: string[], more: object = {}) {
  const given = {
    name: 'case system',
    channel: 'webhook',
    config: { url },
    subscription: { eventTypes },
    ...more,
  }
  return (await api.post('/destinations', given).expect(201)).body as { id: string; secret: string }
}

const policy = (...schedule: string[]) => ({ delivery: { schedule } })

/** A tenant, and a receiver that is told what Switchyard itself has to tell. */
async function makeToldTenant() {
  const { api } = await makeTenant(stack)
  const watching = await receiver()
  await makeDestination(api, watching, ['destination.*', 'delivery.*', 'key.*'], { name: 'watching' })
  const told = (count: number) =>
    eventually(
      () => Promise.resolve(watching.received.map(({ body }) => JSON.parse(body) as Told)),
      ({ length }) => length >= count,
    )
  return { api, watching, told }
}

interface Told {
  type: string
  data: Record<string, unknown>
}

async function send(api: Api, id: string, fields: object = {}) {
  await api.post('/events', { id, type: 'aml.match.found', data: { customer: 'Zoë' }, ...fields }).expect(202)
  return settledLog(api, id)
}

/** How the log of an operational event ends: nothing is left to come of it. */
async function settledNews(api: Api, type: string, atLeast = 1) {
  const listed = await listedEvents(api, `type=${type}`, atLeast)
  return Promise.all(listed.map(({ id }) => settledLog(api, id)))
}

describe('delivery.exhausted', () => {
  it('tells of a delivery that was given up: which, why, and nothing of what the event holds', async () => {
    const { api, told } = await makeToldTenant()
    const { id } = await makeDestination(api, await receiver(status(500)), ['aml.*'], policy('0s', '50ms'))
    await send(api, 'e1')
    const [first] = await told(1)
    const { createdAt } = (await api.get('/events/e1').expect(200)).body as { createdAt: string }
    expect(first).toMatchObject({
      type: 'delivery.exhausted',
      data: {
        eventId: 'e1',
        eventType: 'aml.match.found',
        eventCreatedAt: createdAt,
        destinationId: id,
        name: 'case system',
        channel: 'webhook',
        reason: 'exhausted: all 2 attempts failed',
        attempts: 2,
        lastError: expect.stringContaining('500') as string,
        at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      },
    })
    expect(JSON.stringify(first)).not.toContain('Zoë')
  })

  it('tells of one that was refused, once for each delivery', async () => {
    const { api, told } = await makeToldTenant()
    const gone = await makeDestination(api, await receiver(status(410)), ['aml.*'])
    const failing = await makeDestination(api, await receiver(status(500)), ['aml.*'], policy('0s'))
    await send(api, 'e1')
    const exhausted = (await told(3)).filter(({ type }) => type === 'delivery.exhausted')
    expect(exhausted.map(({ data }) => data.destinationId).sort()).toEqual([gone.id, failing.id].sort())
    expect(exhausted.find(({ data }) => data.destinationId === gone.id)?.data).toMatchObject({
      reason: expect.stringContaining('410') as string,
      attempts: 1,
    })
  })

  it('tells again of a replay that was given up', async () => {
    const { api, told } = await makeToldTenant()
    await makeDestination(api, await receiver(status(500)), ['aml.*'], policy('0s'))
    await send(api, 'e1')
    await told(1)
    await api.post('/events/e1/replay').expect(202)
    expect((await told(2)).map(({ type, data }) => [type, data.eventId])).toEqual([
      ['delivery.exhausted', 'e1'],
      ['delivery.exhausted', 'e1'],
    ])
  })

  it('is not sent to the destination that it tells of, and begets no other where it is not delivered', async () => {
    const { api } = await makeTenant(stack)
    const failing = await receiver(status(500))
    const { id } = await makeDestination(api, failing, ['all'], policy('0s'))
    const other = await makeDestination(api, await receiver(status(500)), ['delivery.*'], policy('0s'))
    await send(api, 'e1')
    const [log] = await settledNews(api, 'delivery.exhausted')
    expect(log?.status).toBe('failed')
    expect(log?.deliveries.map(({ destinationId }) => destinationId)).toEqual([other.id])
    expect(log?.routing.find(({ destinationId }) => destinationId === id)?.reason).toMatch(/^about itself/)
    // A later event's news is listed: what the first one's would have begotten would be as well.
    await send(api, 'e2')
    expect(await settledNews(api, 'delivery.*', 2)).toHaveLength(2)
    expect(failing.received).toHaveLength(2)
  })

  it('tells nothing of a test, nor of a delivery that arrives', async () => {
    const { api, told } = await makeToldTenant()
    const tested = await makeDestination(api, await receiver(status(500)), ['aml.*'], policy('0s'))
    await api.post(`/destinations/${tested.id}/test`).expect(200)
    await api.delete(`/destinations/${tested.id}`).expect(204)
    await makeDestination(api, await receiver(), ['aml.*'])
    await send(api, 'arrives')
    await makeDestination(api, await receiver(status(500)), ['aml.*'], policy('0s'))
    await send(api, 'e1')
    expect((await told(1)).map(({ data }) => data.eventId)).toEqual(['e1'])
    expect(await listedEvents(api, 'type=delivery.*')).toHaveLength(1)
  })
})

describe('delivery.failing', () => {
  const schedule = policy('0s', '20ms', '20ms', '20ms', '1h')

  it('tells of a destination at the fourth attempt that fails, once, whatever else fails there', async () => {
    const { api, told } = await makeToldTenant()
    const { id } = await makeDestination(api, await receiver(status(503)), ['aml.*'], schedule)
    for (const event of ['e1', 'e2']) await api.post('/events', { id: event, type: 'aml.x', data: {} })
    for (const event of ['e1', 'e2'])
      await eventually(
        () => readLog(api, event),
        ({ deliveries }) => deliveries[0]?.attempts.length === 4,
      )
    const [first] = await told(1)
    const { failingSince } = (await api.get(`/destinations/${id}`).expect(200)).body as {
      failingSince: string
    }
    expect(first).toMatchObject({
      type: 'delivery.failing',
      data: {
        destinationId: id,
        name: 'case system',
        channel: 'webhook',
        failingSince,
        eventType: 'aml.x',
        attempts: 4,
      },
    })
    // Cancelled, they end only when what they have to tell is told.
    for (const event of ['e1', 'e2']) await api.post(`/events/${event}/cancel`).expect(202)
    for (const event of ['e1', 'e2']) await settledLog(api, event)
    expect(await listedEvents(api, 'type=delivery.*')).toHaveLength(1)
  })

  it('tells again once it has worked meanwhile', async () => {
    const { api, told } = await makeToldTenant()
    const failing = await receiver(status(503))
    await makeDestination(api, failing, ['aml.*'], schedule)
    const fail = async (id: string) => {
      failing.answer(status(503))
      await api.post('/events', { id, type: 'aml.x', data: {} }).expect(202)
    }
    await fail('e1')
    await told(1)
    failing.answer(status(200))
    await send(api, 'arrives')
    await fail('e2')
    expect((await told(2)).map(({ type, data }) => [type, data.eventId])).toEqual([
      ['delivery.failing', 'e1'],
      ['delivery.failing', 'e2'],
    ])
  })
})

describe('key.rotated', () => {
  it('tells of a destination’s secret that was rotated, and not the secret', async () => {
    const { api, watching, told } = await makeToldTenant()
    const { id, secret } = await makeDestination(api, await receiver(), ['aml.*'])
    const { body } = await api.post(`/destinations/${id}/rotate-secret`, { overlap: '1h' }).expect(201)
    const rotated = body as { secret: string; previousEndsAt: string }
    const [first] = await told(1)
    expect(first?.type).toBe('key.rotated')
    expect(first?.data).toEqual({
      kind: 'destination-secret',
      destinationId: id,
      name: 'case system',
      previousEndsAt: rotated.previousEndsAt,
      at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    })
    for (const hidden of [secret, rotated.secret]) expect(watching.received[0]?.body).not.toContain(hidden)
  })

  it('tells of one that was set in place of another, which has ended with that', async () => {
    const { api, told } = await makeToldTenant()
    const { id } = await makeDestination(api, await receiver(), ['aml.*'])
    await api.patch(`/destinations/${id}`, { name: 'renamed' }).expect(200)
    await api.patch(`/destinations/${id}`, { secret: null }).expect(200)
    const [first] = await told(1)
    expect(first?.data).toMatchObject({ kind: 'destination-secret', destinationId: id, name: 'renamed' })
    expect(first?.data.previousEndsAt).toBe(first?.data.at)
    expect(await listedEvents(api, 'type=key.rotated')).toHaveLength(1)
  })

  it('tells of the tenant’s API secret', async () => {
    const { api, told } = await makeToldTenant()
    const { body } = await api.post('/tenant/api-secret/rotate', { overlap: '2h' }).expect(201)
    const { apiSecret, previousEndsAt } = body as { apiSecret: string; previousEndsAt: string }
    const [first] = await told(1)
    expect(first).toMatchObject({ type: 'key.rotated', data: { kind: 'api-secret', previousEndsAt } })
    expect(first?.data).not.toHaveProperty('destinationId')
    expect(JSON.stringify(first)).not.toContain(apiSecret)
  })

  it('tells nothing of a rotation that was refused', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await makeDestination(api, await receiver(), ['aml.*'])
    await api.post(`/destinations/${id}/rotate-secret`, { secret: 'short' }).expect(422)
    await api.post(`/destinations/${id}/rotate-secret`).expect(201)
    expect(await listedEvents(api, 'type=key.rotated')).toHaveLength(1)
  })
})
