import { Webhook } from 'standardwebhooks'
import { expect, it } from 'vitest'
import { ok, startReceiver, status } from '../support/servers/receiver.ts'
import { eventually, makeTenant, readLog, settledLog, startStack, untilTestEnds } from '../support/stack.ts'

it('a receiver that is down for three attempts gets the event exactly once, over a restart of the worker', async () => {
  const stack = untilTestEnds(await startStack())
  const { api } = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(status(503, {}, 'down')))
  const destination = await api
    .post('/destinations', {
      name: 'Case system',
      channel: 'webhook',
      config: { url: receiver.url },
      subscription: { eventTypes: ['all'] },
      delivery: { schedule: ['0s', '300ms', '300ms', '2s', '2s'] },
    })
    .expect(201)
  const { secret } = destination.body as { secret: string }
  const { body } = await api.post('/events', { type: 'aml.match.found', data: { n: 1 } }).expect(202)
  const { id } = body as { id: string }

  await eventually(
    () => readLog(api, id),
    ({ deliveries }) => deliveries[0]?.attempts.length === 3,
  )
  await stack.stopWorkers()
  receiver.answer(ok)
  const down = await readLog(api, id)
  expect(down).toMatchObject({
    status: 'pending',
    incomplete: expect.stringContaining('no worker') as string,
  })
  expect(down.deliveries[0]).toMatchObject({ status: 'pending' })
  await stack.startWorkers()

  const log = await settledLog(api, id)
  expect(log.status).toBe('delivered')
  const attempts = log.deliveries[0]?.attempts ?? []
  expect(attempts.map(({ number, outcome, responseCode }) => [number, outcome, responseCode])).toEqual([
    [1, 'failed', 503],
    [2, 'failed', 503],
    [3, 'failed', 503],
    [4, 'delivered', 200],
  ])
  for (const attempt of attempts) {
    expect(Date.parse(attempt.at)).toBeGreaterThan(Date.now() - 60_000)
    expect(attempt.durationMs).toBeGreaterThanOrEqual(0)
  }

  // What the receiver saw is what the log says: four requests, one of them taken, all with the same id.
  expect(receiver.received).toHaveLength(4)
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]))
  for (const { body, headers } of receiver.received) {
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({
      data: { n: 1 },
    })
  }
})

it('a worker that is stopped in mid-attempt finishes it first: the receiver is called once', async () => {
  const stack = untilTestEnds(await startStack())
  const { api } = await makeTenant(stack)
  let answerNow = () => undefined as void
  const receiver = untilTestEnds(
    await startReceiver((response) => {
      answerNow = () => void response.writeHead(200).end()
    }),
  )
  const config = { url: receiver.url }
  await api
    .post('/destinations', { name: 'x', channel: 'webhook', config, subscription: { eventTypes: ['all'] } })
    .expect(201)
  const { body } = await api.post('/events', { type: 'aml.match.found', data: {} }).expect(202)
  await eventually(
    () => Promise.resolve(receiver.received),
    (received) => received.length === 1,
  )
  const stopped = stack.stopWorkers()
  answerNow()
  await stopped
  await stack.startWorkers()
  const log = await settledLog(api, (body as { id: string }).id)
  expect(log).toMatchObject({
    status: 'delivered',
    deliveries: [{ attempts: [{ number: 1, outcome: 'delivered' }] }],
  })
  expect(receiver.received).toHaveLength(1)
})

it.each([
  ['that it would open with', {}],
  ['that waits for its turn', { maxConcurrent: 1 }],
])('an event that is cancelled while no worker runs makes no attempt %s', async (_what, delivery) => {
  const stack = untilTestEnds(await startStack({ workers: false }))
  const { api } = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver())
  const config = { url: receiver.url }
  const subscription = { eventTypes: ['all'] }
  await api
    .post('/destinations', { name: 'x', channel: 'webhook', config, subscription, delivery })
    .expect(201)
  const { body } = await api.post('/events', { type: 'aml.match.found', data: {} }).expect(202)
  const { id } = body as { id: string }
  await api.post(`/events/${id}/cancel`).expect(202)
  await stack.startWorkers()
  expect(await settledLog(api, id)).toMatchObject({
    status: 'unrouted',
    deliveries: [{ status: 'skipped', reason: 'cancelled on request', attempts: [] }],
  })
  expect(receiver.received).toEqual([])
})
