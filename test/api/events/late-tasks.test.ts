import { expect, it, vi } from 'vitest'
import { startReceiver, status } from '../../support/servers/receiver.ts'
import { makeTenant, stackOfFile, untilTestEnds } from '../../support/stack.ts'

const maxBacklogMs = 1_500
const stack = stackOfFile({ admission: { maxBacklogMs } })

const soon = { timeout: 10_000, interval: 100 }

it('refuses events of a tenant whose retries are carried out late, takes other tenants’, and takes them again later', async () => {
  const { api } = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(status(500)))
  await api
    .post('/destinations', {
      name: 'Case system',
      channel: 'webhook',
      config: { url: receiver.url },
      subscription: { eventTypes: ['all'] },
      delivery: { schedule: ['0s', '1s'] },
    })
    .expect(201)
  const event = { type: 'aml.match.found', data: {} }
  for (let count = 0; count < 3; count++) await api.post('/events', event).expect(202)
  await vi.waitFor(() => expect(receiver.received).toHaveLength(3), soon)

  await stack.stopWorkers()
  const lateFrom = Date.now() + 1_000 + 2 * maxBacklogMs
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(lateFrom), soon)
  await stack.startWorkers()
  const refused = await vi.waitFor(() => api.post('/events', event).expect(503), soon)
  expect(refused.body).toMatchObject({
    code: 'overloaded',
    detail: expect.stringContaining('late') as string,
  })
  expect(refused.headers['retry-after']).toBe('1')
  const { api: other } = await makeTenant(stack)
  await other.post('/events', event).expect(202)

  // Workers that have stopped are not late.
  await stack.stopWorkers()
  await vi.waitFor(() => api.post('/events', event).expect(202), soon)
})
