import { describe, expect, it } from 'vitest'
import { eventWorkflowId } from '../../../src/workflows/contract/event.ts'
import {
  asDescribed,
  makeWebhook,
  numbered,
  once,
  pageWhen,
  patient,
  post,
  readPage,
  readPages,
  reluctant,
  type DeliveryRow,
  type Query,
} from '../../support/resources/log-lists.ts'
import { startReceiver, status, statuses } from '../../support/servers/receiver.ts'
import {
  makeKey,
  makeTenant,
  ofFile,
  readLog,
  settledLog,
  stackOfFile,
  untilTestEnds,
  waitingLog,
  type Api,
} from '../../support/stack.ts'

const stack = stackOfFile()
const receiver = ofFile(() => startReceiver())
const failing = ofFile(() => startReceiver(status(500)))

const forType = (type: string) => ({ subscription: { eventTypes: [type] } })

const page = (api: Api, query: Query = {}) => readPage<DeliveryRow>(api, '/deliveries', query)
/** Once the list has so many. */
const rowsWhen = async (api: Api, count: number, query: Query = {}) =>
  (
    await pageWhen<DeliveryRow>(
      api,
      '/deliveries',
      { limit: 100, ...query },
      ({ length }) => length === count,
    )
  ).data
const namesOf = (rows: DeliveryRow[]) =>
  rows.map(({ eventId, destinationId }) => `${eventId} ${destinationId}`)
const names = async (api: Api, query: Query = {}) => namesOf((await page(api, { limit: 100, ...query })).data)

describe('GET /deliveries', () => {
  it('shows each delivery as its newest attempt left it', async () => {
    const { api } = await makeTenant(stack)
    const good = await makeWebhook(api, receiver.url, forType('aml.*'))
    const bad = await makeWebhook(api, failing.url, { ...once, ...forType('aml.*') })
    const slow = await makeWebhook(api, failing.url, { ...patient, ...forType('kyc') })
    await post(api, ['ended'], 'aml.match.found')
    await post(api, ['waits'], 'kyc')
    const ended = await settledLog(api, 'ended')
    const waits = await waitingLog(api, 'waits')
    await rowsWhen(api, 3)
    const list = await page(api)
    const attemptOf = (log: typeof ended, id: string) =>
      log.deliveries.find(({ destinationId }) => destinationId === id)?.attempts[0]
    const known = ({ id, type, createdAt }: typeof ended & { type?: string; createdAt?: string }) => ({
      eventId: id,
      type,
      createdAt,
      channel: 'webhook',
    })
    expect(list).toEqual({
      data: [
        {
          ...known(waits),
          destinationId: slow,
          status: 'pending',
          attempts: 1,
          responseCode: 500,
          lastAttemptAt: attemptOf(waits, slow)?.at,
          nextAttemptAt: waits.deliveries[0]?.nextAttemptAt,
        },
        {
          ...known(ended),
          destinationId: good,
          status: 'delivered',
          attempts: 1,
          responseCode: 200,
          lastAttemptAt: attemptOf(ended, good)?.at,
        },
        {
          ...known(ended),
          destinationId: bad,
          status: 'failed',
          attempts: 1,
          responseCode: 500,
          lastAttemptAt: attemptOf(ended, bad)?.at,
        },
      ],
      nextCursor: null,
    })
    expect(asDescribed('/deliveries', list)).toEqual(list)
  })

  it('filters by destination, status, type, event and time', async () => {
    const { api } = await makeTenant(stack)
    const good = await makeWebhook(api, receiver.url, forType('kyc.*'))
    const bad = await makeWebhook(api, failing.url, { ...once, ...forType('kyc.*') })
    const slow = await makeWebhook(api, failing.url, { ...patient, ...forType('kyc.two') })
    await post(api, ['none'], 'unrouted')
    await post(api, ['one'], 'kyc.one')
    await settledLog(api, 'one')
    await post(api, ['two'], 'kyc.two')
    await waitingLog(api, 'two')
    await rowsWhen(api, 5)
    const two = [`two ${good}`, `two ${bad}`, `two ${slow}`]
    const one = [`one ${good}`, `one ${bad}`]

    expect(await names(api)).toEqual([...two, ...one])
    expect(await names(api, { destination: good })).toEqual([two[0], one[0]])
    expect(await names(api, { status: 'delivered' })).toEqual([two[0], one[0]])
    expect(await names(api, { status: 'failed' })).toEqual([two[1], one[1]])
    expect(await names(api, { status: 'pending' })).toEqual([two[2]])
    expect(await names(api, { status: 'held' })).toEqual([])
    expect(await names(api, { status: 'skipped' })).toEqual([])
    expect(await names(api, { status: 'delivered', destination: good })).toEqual([two[0], one[0]])
    expect(await names(api, { status: 'delivered', destination: bad })).toEqual([])
    expect(await names(api, { status: 'failed', destination: bad, type: 'kyc.one' })).toEqual([one[1]])
    expect(await names(api, { status: 'failed', destination: slow })).toEqual([])
    expect(await names(api, { status: 'pending', destination: slow })).toEqual([two[2]])
    expect(await names(api, { type: 'kyc.two' })).toEqual(two)
    expect(await names(api, { type: 'kyc.*' })).toEqual([...two, ...one])
    expect(await names(api, { event: 'one' })).toEqual(one)
    expect(await names(api, { event: 'none' })).toEqual([])
    expect(await names(api, { event: 'nobody-knows' })).toEqual([])
    const { createdAt } = (await readLog(api, 'two')) as unknown as { createdAt: string }
    expect(await names(api, { from: createdAt })).toEqual(two)
    expect(await names(api, { to: createdAt })).toEqual(one)
    expect(await names(api, { from: createdAt, status: 'failed', destination: good })).toEqual([])
  })

  it('shows a skipped delivery, and none of an event that was not routed', async () => {
    const { api } = await makeTenant(stack)
    const late = await makeWebhook(api, receiver.url, { ...reluctant, ...forType('kyc') })
    await post(api, ['unrouted'], 'aml')
    await settledLog(api, 'unrouted')
    await post(api, ['skipped'], 'kyc')
    await waitingLog(api, 'skipped')
    await api.post('/events/skipped/cancel').expect(202)
    await settledLog(api, 'skipped')
    const [row, ...others] = await rowsWhen(api, 1, { status: 'skipped' })
    expect(row).toMatchObject({ eventId: 'skipped', destinationId: late, status: 'skipped', attempts: 0 })
    expect(others).toEqual([])
    expect(await names(api)).toEqual([`skipped ${late}`])
  })

  it('shows replays’ deliveries beside the first ones, with the replay’s id', async () => {
    const { api } = await makeTenant(stack)
    const moody = untilTestEnds(await startReceiver(statuses(500)))
    const webhook = await makeWebhook(api, moody.url, once)
    await post(api, ['again', 'other'])
    await settledLog(api, 'again')
    await settledLog(api, 'other')
    const { body } = await api.post('/events/again/replay').expect(202)
    const { replayId } = body as { replayId: string }
    const [replayed, ...firsts] = await rowsWhen(api, 3)
    expect(replayed).toMatchObject({
      eventId: 'again',
      replayId,
      destinationId: webhook,
      status: 'delivered',
    })
    expect(firsts).toMatchObject([{ eventId: 'other' }, { eventId: 'again' }])
    for (const first of firsts) expect(first).not.toHaveProperty('replayId')
    expect(await names(api, { event: 'again' })).toEqual([`again ${webhook}`, `again ${webhook}`])
  })

  it('marks a test event’s delivery', async () => {
    const { api } = await makeTenant(stack)
    const webhook = await makeWebhook(api, receiver.url)
    await api.post(`/destinations/${webhook}/test`).expect(200)
    await post(api, ['real'])
    const [real, tested] = await rowsWhen(api, 2)
    expect(tested).toMatchObject({ destinationId: webhook, test: true, status: 'delivered' })
    expect(real).not.toHaveProperty('test')
  })

  it('shows once each delivery of an event, and of a replay, that has more than one workflow holds', async () => {
    const { api } = await makeTenant(stack)
    const webhooks: string[] = []
    for (let number = 0; number < 70; number++) webhooks.push(await makeWebhook(api, receiver.url))
    await post(api, ['wide'])
    await settledLog(api, 'wide', 60_000)
    const rows = await rowsWhen(api, 70)
    expect(rows.map(({ destinationId }) => destinationId).sort()).toEqual(webhooks.toSorted())
    for (const row of rows) expect(row).toMatchObject({ eventId: 'wide', status: 'delivered', attempts: 1 })
    for (const at of [0, 69])
      expect(await names(api, { destination: webhooks[at] })).toEqual([`wide ${webhooks[at]}`])

    const { body } = await api.post('/events/wide/replay').expect(202)
    const { replayId } = body as { replayId: string }
    const isWhole = (found: DeliveryRow[]) =>
      found.filter((row) => row.replayId === replayId && row.status === 'delivered').length === 70
    await pageWhen<DeliveryRow>(api, '/deliveries', { limit: 100 }, isWhole)
    const all = await readPages<DeliveryRow>(api, '/deliveries', { limit: 33 })
    expect(all).toHaveLength(140)
    expect(all.slice(0, 70).every((row) => row.replayId === replayId && row.attempts === 1)).toBe(true)
    expect(all.slice(70)).toEqual(rows)
    expect(asDescribed('/deliveries', { data: all, nextCursor: null })).toEqual({
      data: all,
      nextCursor: null,
    })
  }, 120_000)

  it('says of a delivery whose workflow an operator ended that it has failed', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const slow = await makeWebhook(api, failing.url, patient)
    await post(api, ['ended'])
    await waitingLog(api, 'ended')
    const workflowId = eventWorkflowId({ tenantId, environment: 'sandbox', eventId: 'ended' })
    await stack.temporal.workflow.getHandle(workflowId).terminate('by an operator')
    const [row] = await rowsWhen(api, 1, { status: 'failed', destination: slow })
    expect(row).toMatchObject({ eventId: 'ended', status: 'failed', attempts: 1 })
    expect(row).not.toHaveProperty('nextAttemptAt')
    expect(await names(api, { status: 'failed' })).toEqual([`ended ${slow}`])
    expect(await names(api, { status: 'pending' })).toEqual([])
  })

  it('is the same whether or not a worker is there', async () => {
    const { api } = await makeTenant(stack)
    await makeWebhook(api, receiver.url)
    await makeWebhook(api, receiver.url, reluctant)
    await post(api, ['before'])
    await waitingLog(api, 'before')
    const rows = await rowsWhen(api, 2)
    await stack.stopWorkers()
    await post(api, ['meanwhile'])
    await pageWhen<{ id: string }>(api, '/events', {}, ({ length }) => length === 2)
    expect((await page(api)).data).toEqual(rows)
    await stack.startWorkers()
    await waitingLog(api, 'meanwhile')
    expect((await rowsWhen(api, 4)).slice(2)).toEqual(rows)
  }, 60_000)

  describe('in pages', () => {
    it('is the same list whatever their size', async () => {
      const { api } = await makeTenant(stack)
      for (let number = 0; number < 3; number++) await makeWebhook(api, receiver.url, forType('wide'))
      await makeWebhook(api, receiver.url, forType('narrow'))
      for (const [index, id] of numbered('evt', 24).entries())
        await post(api, [id], ['wide', 'narrow', 'unrouted'][index % 3])
      await rowsWhen(api, 32)
      const all = await names(api)
      expect(new Set(all).size).toBe(32)
      for (const limit of [1, 2, 3, 31, 32, 33, 100]) {
        const rows = await readPages<DeliveryRow>(api, '/deliveries', { limit })
        expect(namesOf(rows), `by ${limit}`).toEqual(all)
      }
      expect((await page(api, { limit: 31 })).nextCursor).not.toBeNull()
      expect((await page(api, { limit: 32 })).nextCursor).toBeNull()
    }, 60_000)

    it('misses and repeats nothing while deliveries end and new ones come in between two of them', async () => {
      const { api } = await makeTenant(stack)
      for (let number = 0; number < 3; number++) await makeWebhook(api, receiver.url, reluctant)
      const posted = numbered('evt', 8)
      await post(api, posted)
      await Promise.all(posted.map((id) => waitingLog(api, id)))
      await rowsWhen(api, 24)
      const all = await names(api)

      let came = 0
      const walked = await readPages<DeliveryRow>(api, '/deliveries', { limit: 5 }, async (pages) => {
        await post(api, [`late-${came++}`])
        // One whose deliveries are shown in part, and one of a later page end.
        for (const id of [posted.at(-2 * pages), posted[pages - 1]]) await api.post(`/events/${id}/retry`)
        await settledLog(api, posted[pages - 1] ?? '')
      })
      expect(namesOf(walked)).toEqual(all)
      expect(came).toBe(4)
    }, 60_000)

    it('goes on within an event whose shown deliveries no longer are what is asked for', async () => {
      const { api } = await makeTenant(stack)
      const webhooks: string[] = []
      for (let number = 0; number < 4; number++)
        webhooks.push(await makeWebhook(api, receiver.url, reluctant))
      await post(api, ['only'])
      await waitingLog(api, 'only')
      await rowsWhen(api, 4)
      const order = (await page(api)).data.map(({ destinationId }) => destinationId)
      const walked = await readPages<DeliveryRow>(
        api,
        '/deliveries',
        { limit: 1, status: 'pending' },
        async (pages) => {
          const destination = order[pages - 1]
          await api.post('/events/only/retry', { destination }).expect(202)
          await rowsWhen(api, 1, { destination, status: 'delivered' })
        },
      )
      expect(walked.map(({ destinationId }) => destinationId)).toEqual(order)
    }, 60_000)
  })

  it('shows one tenant and environment only, and takes no cursor of another', async () => {
    const { api, id } = await makeTenant(stack)
    const webhook = await makeWebhook(api, receiver.url)
    await post(api, ['mine', 'too'])
    await rowsWhen(api, 2)
    const { nextCursor } = await page(api, { limit: 1 })
    const { api: production } = await makeKey(stack, id, 'production')
    const { api: stranger } = await makeTenant(stack)
    for (const other of [production, stranger]) {
      expect(await page(other)).toEqual({ data: [], nextCursor: null })
      expect(await page(other, { destination: webhook })).toEqual({ data: [], nextCursor: null })
      expect(await page(other, { event: 'mine' })).toEqual({ data: [], nextCursor: null })
      await other.get('/deliveries').query({ limit: 1, cursor: nextCursor }).expect(422)
    }
  })

  it('needs the scope events:read', async () => {
    const { api } = await makeTenant(stack, 'sandbox', ['events:write'])
    expect((await api.get('/deliveries').expect(403)).body).toMatchObject({ code: 'forbidden' })
  })

  it.each<[what: string, query: Query, path: string]>([
    ['a limit of 0', { limit: 0 }, 'limit'],
    ['a limit of 101', { limit: 101 }, 'limit'],
    ['a status that none is', { status: 'partial' }, 'status'],
    ['a type that is none', { type: "a' OR TenantId != 'x" }, 'type'],
    ['a destination that is none', { destination: 'all' }, 'destination'],
    ['an event id that is none', { event: "a' OR TenantId != 'x" }, 'event'],
    ['a time that is none', { to: 'tomorrow' }, 'to'],
    ['a span of no length', { from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }, 'to'],
    ['a cursor of nothing', { cursor: 'AAAA' }, 'cursor'],
    ['a filter that there is not', { failing: 'dst_a' }, 'failing'],
  ])('422 for %s names the field', async (_what, query, path) => {
    const { api } = await makeTenant(stack)
    const answer = await api.get('/deliveries').query(query).expect(422)
    expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ path }] })
  })

  it('422 for a cursor of other filters or another list, but any limit goes', async () => {
    const { api } = await makeTenant(stack)
    await makeWebhook(api, receiver.url)
    await post(api, ['a', 'b', 'c'])
    await rowsWhen(api, 3)
    const { nextCursor: cursor } = await page(api, { limit: 1, status: 'delivered' })
    if (cursor === null) throw new Error('there is no second page')
    const refused = { code: 'invalid_request', errors: [{ path: 'cursor' }] }
    for (const query of [
      { cursor },
      { cursor, status: 'failed' },
      { cursor, status: 'delivered', type: 'a.*' },
    ])
      expect((await api.get('/deliveries').query(query).expect(422)).body).toMatchObject(refused)
    const otherList = await api.get('/events').query({ cursor, status: 'delivered' }).expect(422)
    expect(otherList.body).toMatchObject(refused)
    const rest = await page(api, { cursor, status: 'delivered', limit: 100 })
    expect(rest.data.map(({ eventId }) => eventId)).toEqual(['b', 'a'])
  })
})
