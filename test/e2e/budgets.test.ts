import { randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { partsOf } from '../support/channel-configs.ts'
import { startReceiver, type Receiver } from '../support/servers/receiver.ts'
import { eventually, makeTenant, ofFile, settledLog, stackOfFile, type Api } from '../support/stack.ts'

const stack = stackOfFile()
const receiver: Receiver & { stop(): Promise<unknown> } = ofFile(() => startReceiver())
const type = 'aml.match.found'

/** 200 strings of 1 KiB, for patterns that keep many states. Without its "!" the pattern would be ruled out at once. */
const texts = Array.from(
  { length: 200 },
  (_, row) => `!${Array.from({ length: 1_023 }, () => 'qQw'[randomInt(3)]).join('')}${row}`,
)

async function subscribe(api: Api, filter?: object): Promise<string> {
  const given = {
    name: 'all',
    channel: 'webhook',
    config: { url: receiver.url },
    subscription: { eventTypes: [type], ...(filter && { filter }) },
  }
  const { body } = await api.post('/destinations', given).expect(201)
  return (body as { id: string }).id
}

/** How long a tenant waits for a call that reads, and for an event from its post to its arrival. */
async function measure({ api }: { api: Api }): Promise<number> {
  const startedAt = performance.now()
  await api.get('/rules').expect(200)
  const { body } = await api.post('/events', { type, data: {} }).expect(202)
  const { id } = body as { id: string }
  await eventually(
    () => Promise.resolve(receiver.received.some(({ headers }) => headers['webhook-id'] === id)),
    (arrived) => arrived,
  )
  return performance.now() - startedAt
}

/** Measures a neighbour while another tenant keeps the product busy: a second, or as long as this machine takes when it is idle. */
async function expectNeighbourServed(busy: () => Promise<unknown>): Promise<void> {
  const neighbour = await makeTenant(stack)
  await subscribe(neighbour.api)
  const idleMs = Math.max(await measure(neighbour), await measure(neighbour))
  const under = busy()
  const measured = [await measure(neighbour), await measure(neighbour), await measure(neighbour)]
  await under
  expect(Math.min(...measured)).toBeLessThan(Math.max(1_000, 3 * idleMs))
  expect(Math.max(...measured)).toBeLessThan(Math.max(2_000, 6 * idleMs))
}

describe('a neighbour is served while a tenant', () => {
  it('has filters that take minutes; the event’s log says which delivery is missing, and why', async () => {
    const { api } = await makeTenant(stack)
    const filter = { 'data.texts': { $regex: 'q.{270}!', $options: 'i' } }
    const destinations = [await subscribe(api, filter), await subscribe(api, filter), await subscribe(api)]
    let posted: string[] = []
    await expectNeighbourServed(async () => {
      const post = () => api.post('/events', { type, data: { texts } }).expect(202)
      const answers = await Promise.all([post(), post(), post()])
      posted = answers.map(({ body }) => (body as { id: string }).id)
    })
    const log = await settledLog(api, posted[0] ?? '', 60_000)
    expect(log.status).toBe('partial')
    const states = destinations.map((id) => log.deliveries.find(({ destinationId }) => destinationId === id))
    expect(states.map((delivery) => delivery?.status)).toEqual(['failed', 'failed', 'delivered'])
    expect(states[0]?.reason).toMatch(/^filter budget exceeded: /)
  }, 120_000)

  it('has a schema with 500 alternatives for each of thousands of items: 422', async () => {
    const { api } = await makeTenant(stack)
    const anyOf = Array.from({ length: 499 }, (_, n) => ({ multipleOf: 1_000 + n }))
    const schema = { properties: { items: { items: { anyOf: [...anyOf, { minimum: 1 }] } } } }
    await api.post('/event-types', { type, schema, enforce: true }).expect(201)
    const items = Array.from({ length: 60_000 }, () => 1)
    const answers: { status: number; body: unknown }[] = []
    await expectNeighbourServed(async () => {
      for (let n = 0; n < 3; n++) answers.push(await api.post('/events', { type, data: { items } }))
    })
    for (const { status, body } of answers) {
      expect(status).toBe(422)
      expect(body).toMatchObject({ errors: [{ path: 'data', message: 'takes too long to process' }] })
    }
  }, 120_000)

  it('previews templates that loop', async () => {
    const { api } = await makeTenant(stack)
    const loop =
      '{% for a in (1..9000) %}{% for b in (1..9000) %}{% for c in (1..9000) %}{% endfor %}{% endfor %}{% endfor %}x'
    const parts = partsOf(() => loop)
    await expectNeighbourServed(async () => {
      const preview = () => api.post('/templates/preview', { parts }).expect(200)
      const [{ body }] = await Promise.all([preview(), preview()])
      expect(JSON.stringify(body)).toMatch(/takes too long|too long lists/)
    })
  }, 120_000)
})
