import { describe, expect, it } from 'vitest'
import { ok, startReceiver, status } from '../../support/servers/receiver.ts'
import { makeWebhook, post } from '../../support/workflows/rules.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { eventually, makeTenant, readLog, settledLog, untilTestEnds, type Api } from '../../support/stack.ts'

const stack = sharedStack()

/** A destination whose circuit its failures have opened, and two events that it holds. */
async function openCircuit(schedule = ['0s', '1h']) {
  const { api } = await makeTenant(stack)
  const { id, receiver } = await makeWebhook(api, status(500), { schedule }, ['all'])
  for (let count = 1; count <= 10; count++) {
    await post(api, { id: `e${count}` })
    await eventually(
      () => Promise.resolve(receiver.received.length),
      (length) => length === count,
    )
  }
  for (const held of ['h1', 'h2']) {
    await post(api, { id: held })
    await heldLog(api, held)
  }
  return { api, id, receiver }
}

const heldLog = (api: Api, eventId: string) =>
  eventually(
    () => readLog(api, eventId),
    ({ deliveries }) => deliveries[0]?.status === 'held' && deliveries[0].nextAttemptAt !== undefined,
  )

async function shown(api: Api, id: string) {
  return (await api.get(`/destinations/${id}`).expect(200)).body as {
    status: string
    statusReason?: string
    failingSince?: string
  }
}

/** New events arrive at once, and so do those that were held; the destination is not failing any more. */
async function expectClosed(api: Api, id: string) {
  await post(api, { id: 'new' })
  expect((await settledLog(api, 'new', 3_000)).deliveries[0]).toMatchObject({ status: 'delivered' })
  for (const held of ['h1', 'h2'])
    expect((await settledLog(api, held)).deliveries[0]).toMatchObject({ status: 'delivered', attempts: [{}] })
  expect(await shown(api, id)).not.toHaveProperty('failingSince')
}

describe('an open circuit closes', () => {
  it('when the destination’s target is changed', async () => {
    const { api, id } = await openCircuit()
    const mended = untilTestEnds(await startReceiver())
    await api.patch(`/destinations/${id}`, { config: { url: mended.url } }).expect(200)
    expect(await shown(api, id)).not.toHaveProperty('failingSince')
    await expectClosed(api, id)
  })

  it('when the destination is resumed, whether or not it was paused', async () => {
    const { api, id, receiver } = await openCircuit()
    receiver.answer(ok)
    await api.post(`/destinations/${id}/resume`).expect(200)
    expect(await shown(api, id)).not.toHaveProperty('failingSince')
    await expectClosed(api, id)
  })

  it('when a test arrives', async () => {
    const { api, id, receiver } = await openCircuit()
    receiver.answer(ok)
    const { body } = await api.post(`/destinations/${id}/test`).expect(200)
    expect(body).toMatchObject({ delivery: { status: 'delivered' } })
    await expectClosed(api, id)
  })

  it('when an attempt that somebody asks for arrives', async () => {
    const { api, id, receiver } = await openCircuit()
    receiver.answer(ok)
    await api.post('/events/h1/retry').expect(202)
    expect((await settledLog(api, 'h1', 3_000)).deliveries[0]).toMatchObject({ status: 'delivered' })
    await expectClosed(api, id)
  })

  it('not when the destination is changed otherwise, or a test fails', async () => {
    const { api, id } = await openCircuit()
    await api.patch(`/destinations/${id}`, { name: 'another name' }).expect(200)
    await api.post(`/destinations/${id}/test`).expect(200)
    await post(api, { id: 'new' })
    expect((await heldLog(api, 'new')).deliveries[0]).toMatchObject({ attempts: [] })
    expect(await shown(api, id)).toHaveProperty('failingSince')
  })
})

describe('a retry while the circuit is open', () => {
  it('makes one attempt at once, and its failure leaves the delivery held', async () => {
    const { api, receiver } = await openCircuit()
    await api.post('/events/h1/retry').expect(202)
    const log = await eventually(
      () => readLog(api, 'h1'),
      ({ deliveries }) => deliveries[0]?.attempts.length === 1,
      3_000,
    )
    expect(log.deliveries[0]).toMatchObject({ status: 'pending', attempts: [{ outcome: 'failed' }] })
    expect(receiver.received).toHaveLength(11)
  })
})
