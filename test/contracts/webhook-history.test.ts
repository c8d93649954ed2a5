import supertest from 'supertest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allButNews } from '../support/event.ts'
import { walkOldestFirst } from '../../src/temporal/log/walk.ts'
import { silence, startReceiver, status, statuses, type Receiver } from '../support/servers/receiver.ts'
import {
  eventually,
  makeKey,
  makeTenant,
  settledLog,
  startStack,
  untilTestEnds,
  waitingLog,
  type Api,
  type Stack,
} from '../support/stack.ts'

let stack: Stack
let receiver: Receiver
beforeAll(async () => {
  stack = await startStack()
  receiver = await startReceiver()
})
afterAll(async () => {
  await receiver.stop()
  await stack.stop()
})

interface Invocation {
  id: string
  event_type: string
  attempts: number
  response_code: number | null
  last_attempt_at: string | null
}
interface Page {
  data: Invocation[]
  has_next: boolean
}
type Query = Record<string, string | number>

/** As the document's curl asks: the key in `ds-api-token`. */
const ask = (key: string, query: Query = {}) =>
  supertest(stack.app)
    .get('/api/v3/notifications/webhook/history')
    .set('ds-api-token', key)
    .set('Content-Type', 'application/json')
    .query(query)

const page = async (key: string, query: Query = {}) => (await ask(key, query).expect(200)).body as Page

/** The first page once it holds so many: events are a moment on their way into it. */
const pageOf = (key: string, count: number, query: Query = {}) =>
  eventually(
    () => page(key, query),
    ({ data }) => data.length === count,
  )

/** Every page, one after the other, as a client does that has missed some. */
async function wholeHistory(key: string, query: Query = {}): Promise<Invocation[]> {
  const all: Invocation[] = []
  for (;;) {
    const after = all.at(-1)?.id
    const { data, has_next } = await page(key, { ...query, ...(after !== undefined && { after }) })
    all.push(...data)
    if (!has_next) return all
  }
}

async function makeWebhook(api: Api, more: object = {}, url = receiver.url): Promise<string> {
  const config = { url, wireFormat: 'dataspike' }
  const subscription = allButNews
  const given = { name: 'Dataspike receiver', channel: 'webhook', config, subscription, ...more }
  return ((await api.post('/destinations', given).expect(201)).body as { id: string }).id
}

async function post(api: Api, ids: string[], type = 'DOCVER'): Promise<void> {
  for (const id of ids) await api.post('/events', { id, type, data: { number: id } }).expect(202)
}

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(4, '0')}`)
const idsOf = (invocations: Invocation[]) => invocations.map(({ id }) => id)

describe('GET /api/v3/notifications/webhook/history', () => {
  it('shows what a webhook was invoked with, as the document has it', async () => {
    const { api, key } = await makeTenant(stack)
    const webhook = await makeWebhook(api)
    await post(api, ['only'])
    const { data, has_next } = await pageOf(key, 1)
    const log = await settledLog(api, 'only')
    const sent = JSON.parse(receiver.received.at(-1)?.body ?? '') as { timestamp: string }
    expect(has_next).toBe(false)
    expect(data).toEqual([
      {
        id: 'only',
        webhook_id: webhook,
        event_type: 'DOCVER',
        payload: { number: 'only' },
        timestamp: sent.timestamp,
        is_sandbox: true,
        attempts: 1,
        response_code: 200,
        last_attempt_at: log.deliveries[0]?.attempts[0]?.at,
      },
    ])
  })

  it('is complete, oldest first and without repeats, whatever the page size, and says when it ends', async () => {
    const { api, key } = await makeTenant(stack)
    await makeWebhook(api)
    const ids = numbered('evt', 23)
    await post(api, ids)
    await pageOf(key, 23)
    for (const limit of [1, 7, 22, 23, 24, 100]) {
      expect(idsOf(await wholeHistory(key, { limit })), `by ${limit}`).toEqual(ids)
    }
    expect(await page(key, { limit: 22 })).toMatchObject({ has_next: true })
    expect(await page(key, { limit: 23 })).toMatchObject({ has_next: false })
    expect(await page(key, { after: 'evt-0022' })).toEqual({ data: [], has_next: false })
  })

  it('stays so while events keep arriving from many sides at once', async () => {
    const { api, key } = await makeTenant(stack)
    await makeWebhook(api)
    const senders = Array.from({ length: 8 }, (_, sender) => numbered(`s${sender}`, 25))
    let sending = true
    const sent = Promise.all(senders.map((ids) => post(api, ids))).finally(() => (sending = false))

    const seen: Invocation[] = []
    const readOn = async () => {
      const after = seen.at(-1)?.id
      seen.push(...(await page(key, { limit: 10, ...(after !== undefined && { after }) })).data)
    }
    while (sending) await readOn()
    await sent
    await eventually(readOn, () => seen.length >= 200)
    expect(idsOf(seen).sort()).toEqual(senders.flat().sort())
  }, 60_000)

  it('keeps an event’s invocations on one page, and shows one webhook’s alone where asked', async () => {
    const { api, key } = await makeTenant(stack)
    const first = await makeWebhook(api)
    const second = await makeWebhook(api, { subscription: { eventTypes: ['AML'] } })
    await post(api, ['a', 'b'])
    await post(api, ['c', 'd'], 'AML')
    await pageOf(key, 6)
    expect(idsOf(await wholeHistory(key, { limit: 3 }))).toEqual(['a', 'b', 'c', 'c', 'd', 'd'])
    expect((await page(key, { limit: 3 })).data).toHaveLength(4)
    expect(idsOf(await wholeHistory(key, { webhook: second, limit: 1 }))).toEqual(['c', 'd'])
    expect(idsOf(await wholeHistory(key, { webhook: first, limit: 1 }))).toEqual(['a', 'b', 'c', 'd'])
    expect(await page(key, { webhook: second, after: 'd' })).toEqual({ data: [], has_next: false })
    expect(await page(key, { webhook: second, limit: 2 })).toMatchObject({ has_next: false })
  })

  it('has no response code while an invocation is pending, and the last one when it is settled', async () => {
    const { api, key } = await makeTenant(stack)
    const failing = untilTestEnds(await startReceiver(status(503)))
    await makeWebhook(api, { delivery: { schedule: ['0s', '1h'] } }, failing.url)
    await post(api, ['late'])
    await waitingLog(api, 'late')
    const pending = await pageOf(key, 1)
    expect(pending.data[0]).toMatchObject({ attempts: 1, response_code: null })
    expect(pending.data[0]?.last_attempt_at).not.toBeNull()

    await api.post('/events/late/retry').expect(202)
    const settled = await eventually(
      () => page(key),
      ({ data }) => data[0]?.response_code !== null,
    )
    expect(settled.data).toMatchObject([{ id: 'late', attempts: 2, response_code: 503 }])
  })

  it('has 0 for a response code where it ended without any answer', async () => {
    const { api, key } = await makeTenant(stack)
    const gone = await startReceiver()
    await gone.stop()
    await makeWebhook(api, { delivery: { schedule: ['0s'] } }, gone.url)
    await post(api, ['refused'])
    expect((await pageOf(key, 1)).data).toMatchObject([{ attempts: 1, response_code: 0 }])
  })

  it('counts a replay’s attempts to the invocation that it repeats', async () => {
    const { api, key } = await makeTenant(stack)
    const moody = untilTestEnds(await startReceiver(statuses(500, 202)))
    await makeWebhook(api, { delivery: { schedule: ['0s'] } }, moody.url)
    await post(api, ['again'])
    expect(await settledLog(api, 'again')).toMatchObject({ status: 'failed' })
    await api.post('/events/again/replay').expect(202)
    const { data } = await eventually(
      () => page(key),
      (answer) => answer.data[0]?.attempts === 2,
    )
    expect(data).toMatchObject([{ id: 'again', attempts: 2, response_code: 202 }])
  })

  it('ends before an event whose routing nobody knows yet, and goes on from there when it is known', async () => {
    const { api, key } = await makeTenant(stack)
    await makeWebhook(api)
    await post(api, ['before'])
    await settledLog(api, 'before')
    await stack.stopWorkers()
    await post(api, ['waits'])
    await eventually(
      () => api.get('/events').expect(200),
      ({ body }) => (body as { data: unknown[] }).data.length === 2,
    )
    expect(await pageOf(key, 1)).toMatchObject({ data: [{ id: 'before' }], has_next: false })
    await stack.startWorkers()
    expect((await pageOf(key, 1, { after: 'before' })).data).toMatchObject([{ id: 'waits' }])
  })

  it('shows the first attempt at a receiver that hangs once it is over', async () => {
    const { api, key } = await makeTenant(stack)
    const hanging = untilTestEnds(await startReceiver(silence))
    await makeWebhook(api, { delivery: { schedule: ['0s', '1h'], timeoutMs: 500 } }, hanging.url)
    await post(api, ['hangs'])
    expect((await pageOf(key, 1)).data).toMatchObject([{ id: 'hangs', attempts: 1, response_code: null }])
  })

  it('goes through events with more destinations than one workflow holds', async () => {
    const { api, key } = await makeTenant(stack)
    const webhooks: string[] = []
    for (let number = 0; number < 61; number++) webhooks.push(await makeWebhook(api))
    await post(api, ['wide', 'wider'])
    await settledLog(api, 'wide')
    await settledLog(api, 'wider')
    await pageOf(key, 122)
    const all = await wholeHistory(key, { limit: 1 })
    expect(idsOf(all)).toEqual([...Array<string>(61).fill('wide'), ...Array<string>(61).fill('wider')])
    expect(all.map(({ attempts, response_code }) => [attempts, response_code])).toEqual(
      Array.from({ length: 122 }, () => [1, 200]),
    )
    expect(idsOf(await wholeHistory(key, { webhook: webhooks[60] ?? '' }))).toEqual(['wide', 'wider'])
  }, 60_000)

  it('calls a type by the name that the webhook subscribed to', async () => {
    const { api, key } = await makeTenant(stack)
    await makeWebhook(api, { subscription: { eventTypes: ['AML_SCREENING'] } })
    await post(api, ['screened'], 'AML')
    const named = { id: 'screened', event_type: 'AML_SCREENING' }
    expect((await pageOf(key, 1)).data).toMatchObject([named])
    expect(JSON.parse(receiver.received.at(-1)?.body ?? '')).toMatchObject(named)
  })

  it('shows one tenant and environment only', async () => {
    const { api, key, id } = await makeTenant(stack)
    await makeWebhook(api)
    await post(api, ['mine'])
    await pageOf(key, 1)
    const production = await makeKey(stack, id, 'production')
    const other = await makeTenant(stack)
    for (const stranger of [production.key, other.key]) {
      expect(await page(stranger)).toEqual({ data: [], has_next: false })
      await ask(stranger, { after: 'mine' }).expect(422)
    }
  })

  it.each<[query: Query, path: string]>([
    [{ after: 'no-such-event' }, 'after'],
    [{ limit: 0 }, 'limit'],
    [{ before: 'x' }, 'before'],
  ])('422 for %j names the field', async (query, path) => {
    const { key } = await makeTenant(stack)
    expect((await ask(key, query).expect(422)).body).toMatchObject({ errors: [{ path }] })
  })

  it('401 without a key', async () => {
    await supertest(stack.app).get('/api/v3/notifications/webhook/history').expect(401)
  })
})

describe('a walk through executions, oldest first', () => {
  it('narrows the stretch of time until it can be read at once', async () => {
    const { api, id } = await makeTenant(stack)
    await makeWebhook(api)
    const ids = numbered('dense', 25)
    await post(api, ids)
    const query = `WorkflowType = 'routeEvent' AND TenantId = '${id}'`
    const span = { query, from: Date.now() - 3_600_000, until: Date.now() + 1_000 }
    await eventually(
      () => walkOldestFirst(stack.temporal, { ...span, wanted: 100 }),
      ({ executions }) => executions.length === 25,
    )
    for (const atOnce of [1, 5, 24]) {
      const seen: string[] = []
      let after
      for (let complete = false; !complete;) {
        const stretch = await walkOldestFirst(stack.temporal, { ...span, after, wanted: 3 }, { atOnce })
        seen.push(...stretch.executions.map(({ memo }) => memo.eventId))
        after = stretch.executions.at(-1) ?? after
        complete = stretch.complete
      }
      expect(seen, `at most ${atOnce} at once`).toEqual(ids)
    }
  })
})
