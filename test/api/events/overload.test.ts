import { expect, it } from 'vitest'
import { ok, startReceiver } from '../../support/servers/receiver.ts'
import { adminKey, apiAt, makeTenant, settledLog, stackOfFile, untilTestEnds } from '../../support/stack.ts'

/** No worker begins an event, and none may have waited when another one is posted. */
const stack = stackOfFile({ workers: false, admission: { maxBacklogMs: 1 } })

const event = (id: string) => ({ id, type: 'aml.match.found', data: {} })

/** A tenant, one of whose events waits for a worker. */
async function makeTenantBehind() {
  const { api, id } = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(ok))
  const subscription = { eventTypes: ['all'] }
  const given = { name: 'x', channel: 'webhook', config: { url: receiver.url }, subscription }
  await api.post('/destinations', given).expect(201)
  await api.post('/events', event('waits')).expect(202)
  return { api, id }
}

it('refuses events of a tenant that is behind, stores nothing of them, and takes them once workers have caught up', async () => {
  const { api } = await makeTenantBehind()
  const refused = await api.post('/events', event('refused')).expect(503)
  expect(refused.headers['retry-after']).toBe('1')
  expect(refused.body).toMatchObject({ code: 'overloaded', status: 503 })
  await api.get('/events/refused').expect(404)
  const batch = await api.post('/events/batch', { events: [event('refused'), event('too')] }).expect(503)
  expect(batch.headers['retry-after']).toBe('1')

  await stack.startWorkers()
  expect(await settledLog(api, 'waits')).toMatchObject({ status: 'delivered' })
  await api.post('/events', event('refused')).expect(202)
  expect(await settledLog(api, 'refused')).toMatchObject({ status: 'delivered' })
  await stack.stopWorkers()
})

it('counts no refused call in a limit, and refuses no other tenant', async () => {
  const { api, id } = await makeTenantBehind()
  await apiAt(stack.app, adminKey)
    .patch(`/tenants/${id}`, { limits: { ingestPerSecond: 1 } })
    .expect(200)
  for (let count = 0; count < 4; count++) await api.post('/events', event('refused')).expect(503)
  const { api: other } = await makeTenant(stack)
  await other.post('/events', event('waits')).expect(202)
})
