import { expect, it } from 'vitest'
import { startReceiver } from '../support/servers/receiver.ts'
import { eventually, makeTenant, startStack, untilTestEnds } from '../support/stack.ts'

it('a tenant’s few events do not wait behind another’s flood', async () => {
  const stack = untilTestEnds(await startStack())
  const arrivals: string[] = []
  const receiver = untilTestEnds(
    await startReceiver((response, { headers }) => {
      arrivals.push(String(headers['webhook-id']))
      response.end()
    }),
  )
  const flooding = await makeTenant(stack)
  const quiet = await makeTenant(stack)
  for (const { api } of [flooding, quiet]) {
    const config = { url: receiver.url }
    const given = { name: 'all', channel: 'webhook', config, subscription: { eventTypes: ['all'] } }
    await api.post('/destinations', given).expect(201)
  }
  const events = (name: string, count: number) =>
    Array.from({ length: count }, (_, index) => ({
      id: `${name}-${index}`,
      type: 'aml.match.found',
      data: {},
    }))

  await stack.stopWorkers()
  for (let batch = 0; batch < 4; batch++)
    await flooding.api.post('/events/batch', { events: events(`flood${batch}`, 100) }).expect(207)
  await quiet.api.post('/events/batch', { events: events('quiet', 5) }).expect(207)
  await stack.startWorkers()

  await eventually(
    () => Promise.resolve(arrivals.length),
    (count) => count >= 405,
    60_000,
  )
  const places = arrivals.flatMap((id, index) => (id.startsWith('quiet') ? [index] : []))
  expect(places).toHaveLength(5)
  // Posted last, they would have come last; a worker takes some hundred tasks of the flood at once before it asks again.
  expect(Math.max(...places)).toBeLessThan(350)
}, 90_000)
