import type { ServerResponse } from 'node:http'
import { expect, it } from 'vitest'
import { ok, startReceiver, status } from '../support/servers/receiver.ts'
import {
  eventually,
  makeTenant,
  readLog,
  settledLog,
  stackOfFile,
  untilTestEnds,
  type Api,
} from '../support/stack.ts'

const stack = stackOfFile()

/** A receiver that answers only when it is told to. */
async function startHangingReceiver() {
  const waiting: ServerResponse[] = []
  const receiver = untilTestEnds(await startReceiver((response) => void waiting.push(response)))
  return { ...receiver, received: receiver.received, answer: () => waiting.forEach((one) => one.end()) }
}

async function makeWebhook(api: Api, name: string, url: string, delivery = {}): Promise<string> {
  const given = { name, channel: 'webhook', config: { url }, subscription: { eventTypes: ['all'] }, delivery }
  return ((await api.post('/destinations', given).expect(201)).body as { id: string }).id
}

async function post(api: Api): Promise<string> {
  const { body } = await api.post('/events', { type: 'aml.match.found', data: {} }).expect(202)
  return (body as { id: string }).id
}

/** The log once it says of a delivery that its first attempt is in progress. */
function logInProgress(api: Api, id: string) {
  return eventually(
    () => readLog(api, id),
    ({ deliveries }) => deliveries.some(({ reason }) => reason === 'the first attempt is in progress'),
  )
}

it('a delivery is retried while another one of its event hangs, and the log shows what is known so far', async () => {
  const { api } = await makeTenant(stack)
  const failing = untilTestEnds(await startReceiver(status(500)))
  const hanging = await startHangingReceiver()
  const [fails, hangs] = [
    await makeWebhook(api, 'fails', failing.url, { schedule: ['0s', '1s', '1h'] }),
    await makeWebhook(api, 'hangs', hanging.url),
  ]
  const id = await post(api)
  const meanwhile = await logInProgress(api, id)
  expect(meanwhile).not.toHaveProperty('incomplete')
  expect(meanwhile).toMatchObject({ status: 'pending' })
  const attemptsAt = (log: typeof meanwhile, destinationId: string) =>
    log.deliveries.find((one) => one.destinationId === destinationId)?.attempts
  expect(attemptsAt(meanwhile, fails)?.[0]).toMatchObject({ number: 1, outcome: 'failed', responseCode: 500 })
  expect(attemptsAt(meanwhile, hangs)).toEqual([])

  await eventually(
    () => Promise.resolve(failing.received.length),
    (calls) => calls === 2,
  )
  expect(hanging.received).toHaveLength(1)
  hanging.answer()
  const later = await eventually(
    () => readLog(api, id),
    (log) => attemptsAt(log, hangs)?.length === 1 && attemptsAt(log, fails)?.length === 2,
  )
  expect(attemptsAt(later, hangs)).toMatchObject([{ number: 1, outcome: 'delivered' }])
  const [first, second] = attemptsAt(later, fails) ?? []
  const apartMs = Date.parse(second?.at ?? '') - Date.parse(first?.at ?? '')
  expect(apartMs).toBeGreaterThanOrEqual(800)
  expect(hanging.received).toHaveLength(1)
})

it('a worker that is stopped lets attempts that go on by themselves finish, and tells of them', async () => {
  const { api } = await makeTenant(stack)
  const hanging = await startHangingReceiver()
  await makeWebhook(api, 'hangs', hanging.url)
  const id = await post(api)
  await logInProgress(api, id)
  const stopped = stack.stopWorkers()
  hanging.answer()
  await stopped
  await stack.startWorkers()
  expect(await settledLog(api, id)).toMatchObject({
    status: 'delivered',
    deliveries: [{ attempts: [{ number: 1, outcome: 'delivered' }] }],
  })
  expect(hanging.received).toHaveLength(1)
})

it('another tenant’s events are accepted and delivered while forty receivers of a tenant hang', async () => {
  const [{ api: first }, { api: neighbour }] = [await makeTenant(stack), await makeTenant(stack)]
  const hanging = await startHangingReceiver()
  for (let count = 0; count < 40; count++) await makeWebhook(first, `hangs ${count}`, hanging.url)
  const healthy = untilTestEnds(await startReceiver(ok))
  await makeWebhook(neighbour, 'healthy', healthy.url)
  for (let count = 0; count < 5; count++) await post(first)
  await eventually(
    () => Promise.resolve(hanging.received.length),
    (calls) => calls > 40,
  )
  const postedAt = performance.now()
  for (let count = 0; count < 5; count++) await settledLog(neighbour, await post(neighbour))
  // Those that hang take 10 s each: there were 200 of them before the neighbour's.
  expect(performance.now() - postedAt).toBeLessThan(10_000)
  expect(healthy.received).toHaveLength(5)
  hanging.answer()
})
