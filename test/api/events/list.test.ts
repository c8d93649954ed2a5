import { describe, expect, it } from 'vitest'
import { walkNewestFirst } from '../../../src/temporal/log/walk.ts'
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
  type EventRow,
  type Query,
} from '../../support/resources/log-lists.ts'
import { ok, startReceiver, status } from '../../support/servers/receiver.ts'
import {
  eventually,
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

const idsOf = (rows: EventRow[]) => rows.map(({ id }) => id)
const page = (api: Api, query: Query = {}) => readPage<EventRow>(api, '/events', query)
const ids = async (api: Api, query: Query = {}) => idsOf((await page(api, query)).data)
/** Once the list shows these, in this order. */
const shows = (api: Api, wanted: string[], query: Query = {}) =>
  pageWhen<EventRow>(api, '/events', query, (rows) => idsOf(rows).join() === wanted.join())

describe('GET /events', () => {
  it('has the newest-accepted event first, whichever ended last', async () => {
    const { api } = await makeTenant(stack)
    const moody = untilTestEnds(await startReceiver(status(503)))
    await makeWebhook(api, moody.url, patient)
    await post(api, ['first', 'second'])
    await waitingLog(api, 'first')
    await waitingLog(api, 'second')
    moody.answer(ok)
    await post(api, ['third'])
    await settledLog(api, 'third')
    await shows(api, ['third', 'second', 'first'])
    await api.post('/events/first/retry').expect(202)
    await settledLog(api, 'first')
    await pageWhen<EventRow>(api, '/events', { status: 'delivered' }, (rows) => rows.length === 2)
    expect(await ids(api)).toEqual(['third', 'second', 'first'])
  })

  it('misses and repeats nothing while events end and new ones come in between two pages', async () => {
    const { api } = await makeTenant(stack)
    await makeWebhook(api, receiver.url, reluctant)
    const posted = numbered('evt', 24)
    await post(api, posted)
    await Promise.all(posted.map((id) => waitingLog(api, id)))
    const newestFirst = posted.toReversed()
    await shows(api, newestFirst, { limit: 100 })

    let came = 0
    const walked = await readPages<EventRow>(api, '/events', { limit: 5 }, async (pages) => {
      await post(api, [`late-${came++}`])
      // One that was shown, one that is shown next, and one of a later page end.
      for (const id of [newestFirst[pages], newestFirst[pages * 5], newestFirst.at(-pages)])
        await api.post(`/events/${id}/retry`)
      await settledLog(api, newestFirst.at(-pages) ?? '')
    })
    expect(idsOf(walked)).toEqual(newestFirst)
    expect(came).toBe(4)
    const late = ['late-3', 'late-2', 'late-1', 'late-0']
    await shows(api, [...late, ...newestFirst], { limit: 100 })
  }, 60_000)

  it('is the same list whatever the page size, and says when it ends', async () => {
    const { api } = await makeTenant(stack)
    const posted = numbered('evt', 60)
    await post(api, posted)
    const newestFirst = posted.toReversed()
    await shows(api, newestFirst, { limit: 100 })
    for (const limit of [1, 2, 19, 20, 59, 60, 61, 100]) {
      expect(idsOf(await readPages<EventRow>(api, '/events', { limit })), `by ${limit}`).toEqual(newestFirst)
    }
    expect((await page(api, { limit: 59 })).nextCursor).not.toBeNull()
    expect((await page(api, { limit: 60 })).nextCursor).toBeNull()
  }, 60_000)

  it('filters by type, status, destination, failing destination and time', async () => {
    const { api } = await makeTenant(stack)
    const failing = untilTestEnds(await startReceiver(status(500)))
    const kyc = { subscription: { eventTypes: ['kyc.*'] } }
    const good = await makeWebhook(api, receiver.url, kyc)
    const bad = await makeWebhook(api, failing.url, {
      ...once,
      subscription: { eventTypes: ['kyc.bad', 'aml.*'] },
    })
    const slow = await makeWebhook(api, failing.url, { ...patient, subscription: { eventTypes: ['slow'] } })
    for (const type of ['kyc.good', 'kyc.bad', 'aml.bad', 'slow', 'none'])
      await post(api, [type.replace('.', '-')], type)
    await waitingLog(api, 'slow')
    await shows(api, ['none', 'slow', 'aml-bad', 'kyc-bad', 'kyc-good'])
    await shows(api, ['slow'], { status: 'pending' })

    expect(await ids(api, { type: 'kyc.bad' })).toEqual(['kyc-bad'])
    expect(await ids(api, { type: 'kyc.*' })).toEqual(['kyc-bad', 'kyc-good'])
    expect(await ids(api, { type: 'kyc' })).toEqual([])
    expect(await ids(api, { status: 'delivered' })).toEqual(['kyc-good'])
    expect(await ids(api, { status: 'partial' })).toEqual(['kyc-bad'])
    expect(await ids(api, { status: 'failed' })).toEqual(['aml-bad'])
    expect(await ids(api, { status: 'unrouted' })).toEqual(['none'])
    expect(await ids(api, { destination: good })).toEqual(['kyc-bad', 'kyc-good'])
    expect(await ids(api, { destination: bad })).toEqual(['aml-bad', 'kyc-bad'])
    expect(await ids(api, { failing: good })).toEqual([])
    expect(await ids(api, { failing: bad, type: 'aml.*' })).toEqual(['aml-bad'])
    expect(await ids(api, { failing: slow })).toEqual(['slow'])
    const { createdAt } = (await readLog(api, 'aml-bad')) as unknown as { createdAt: string }
    // An event begins when Temporal has it, which is a moment after it was accepted.
    expect(await ids(api, { from: createdAt })).toEqual(['none', 'slow', 'aml-bad'])
    expect(await ids(api, { to: createdAt })).toEqual(['kyc-bad', 'kyc-good'])
    expect(await ids(api, { from: '2020-01-01T00:00:00+02:00', to: createdAt, status: 'partial' })).toEqual([
      'kyc-bad',
    ])
    expect(
      await ids(api, { from: '0000-01-01T00:00:00+14:00', to: '9999-12-31T23:59:59-14:00' }),
    ).toHaveLength(5)
    const whole = await page(api)
    expect(asDescribed('/events', whole)).toEqual(whole)
  })

  it('shows when a waiting delivery is tried next', async () => {
    const { api } = await makeTenant(stack)
    const failing = untilTestEnds(await startReceiver(status(500)))
    await makeWebhook(api, failing.url, patient)
    await post(api, ['waits'])
    const { data } = await pageWhen<EventRow>(api, '/events', {}, ([row]) => row?.deliveries.length === 1)
    const log = await waitingLog(api, 'waits')
    expect(data[0]?.deliveries[0]?.nextAttemptAt).toBe(log.deliveries[0]?.nextAttemptAt)
  })

  it('says of an event whose workflow an operator ended what its log says: it has failed', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const failing = untilTestEnds(await startReceiver(status(500)))
    await makeWebhook(api, failing.url, patient)
    await post(api, ['ended'])
    await waitingLog(api, 'ended')
    const workflowId = eventWorkflowId({ tenantId, environment: 'sandbox', eventId: 'ended' })
    await stack.temporal.workflow.getHandle(workflowId).terminate('by an operator')
    const { data } = await pageWhen<EventRow>(api, '/events', { status: 'failed' }, (rows) => rows.length > 0)
    expect(data).toMatchObject([{ id: 'ended', status: 'failed', deliveries: [{ status: 'failed' }] }])
    expect(data[0]?.deliveries[0]?.nextAttemptAt).toBeUndefined()
    expect(await ids(api, { status: 'pending' })).toEqual([])
    expect(await readLog(api, 'ended')).toMatchObject({
      status: 'failed',
      deliveries: [{ status: 'failed' }],
    })
  })

  it('finds an event with more destinations than one workflow holds by any of them', async () => {
    const { api } = await makeTenant(stack)
    const destinations: string[] = []
    for (let number = 0; number < 61; number++) destinations.push(await makeWebhook(api, receiver.url))
    await post(api, ['wide'])
    await settledLog(api, 'wide', 60_000)
    await shows(api, ['wide'])
    await Promise.all([0, 60].map((at) => shows(api, ['wide'], { destination: destinations[at] })))
  }, 60_000)

  it('is there while no worker is, with the rest of the log once one is back', async () => {
    const { api } = await makeTenant(stack)
    const failing = untilTestEnds(await startReceiver(status(500)))
    await makeWebhook(api, failing.url, patient)
    await post(api, ['done', 'waits'])
    await waitingLog(api, 'done')
    const { deliveries } = await waitingLog(api, 'waits')
    await pageWhen<EventRow>(api, '/events', {}, ([row]) => row?.deliveries.length === 1)
    await stack.stopWorkers()
    await post(api, ['fresh'])
    const { data } = await shows(api, ['fresh', 'waits', 'done'])
    expect(data).toMatchObject([
      { status: 'pending', deliveries: [] },
      { status: 'pending', deliveries: [{ status: 'pending', attempts: 1, responseCode: 500 }] },
      { status: 'pending' },
    ])
    const summary = await readLog(api, 'waits')
    expect(summary.incomplete).toMatch(/no worker answers/)
    expect(summary.deliveries).toMatchObject([
      { status: 'pending', nextAttemptAt: deliveries[0]?.nextAttemptAt, attempts: [] },
    ])
    expect(asDescribed('/events/:id', summary)).toEqual(summary)

    await stack.startWorkers()
    const whole = await eventually(
      () => readLog(api, 'waits'),
      ({ incomplete }) => incomplete === undefined,
    )
    expect(whole.deliveries).toEqual(deliveries)
    expect(asDescribed('/events/:id', whole)).toEqual(whole)
    await waitingLog(api, 'fresh')
    await pageWhen<EventRow>(api, '/events', {}, ([row]) => row?.deliveries.length === 1)
  }, 60_000)

  it('shows one tenant and environment only, and takes no cursor of another', async () => {
    const { api, id } = await makeTenant(stack)
    await post(api, ['mine', 'too'])
    await shows(api, ['too', 'mine'])
    const { nextCursor } = await page(api, { limit: 1 })
    const { api: production } = await makeKey(stack, id, 'production')
    const { api: stranger } = await makeTenant(stack)
    for (const other of [production, stranger]) {
      expect(await page(other)).toEqual({ data: [], nextCursor: null })
      await other.get('/events').query({ limit: 1, cursor: nextCursor }).expect(422)
    }
  })

  it.each<[what: string, query: Query, path: string]>([
    ['a limit of 0', { limit: 0 }, 'limit'],
    ['a limit of 101', { limit: 101 }, 'limit'],
    ['a status that none is', { status: 'lost' }, 'status'],
    ['a type that is none', { type: 'a b' }, 'type'],
    ['a destination that is none', { destination: 'all' }, 'destination'],
    ['a failing destination that is none', { failing: 'all' }, 'failing'],
    ['a time that is none', { from: 'yesterday' }, 'from'],
    ['a span of no length', { from: '2026-01-01T00:00:00Z', to: '2026-01-01T01:00:00+01:00' }, 'to'],
    ['a span that ends before it begins', { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }, 'to'],
    ['a cursor of nothing', { cursor: 'bm90LWEtcGxhY2U' }, 'cursor'],
    ['a cursor of other characters', { cursor: 'a b' }, 'cursor'],
    ['a filter that there is not', { colour: 'red' }, 'colour'],
  ])('422 for %s names the field', async (_what, query, path) => {
    const { api } = await makeTenant(stack)
    const answer = await api.get('/events').query(query).expect(422)
    expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ path }] })
  })

  it('422 for a cursor of other filters or another list, but any limit goes', async () => {
    const { api } = await makeTenant(stack)
    await post(api, ['a', 'b', 'c'])
    await shows(api, ['c', 'b', 'a'])
    const { nextCursor: cursor } = await page(api, { limit: 1, type: 'aml.*' })
    if (cursor === null) throw new Error('there is no second page')
    const refused = { code: 'invalid_request', errors: [{ path: 'cursor' }] }
    for (const query of [
      { cursor },
      { cursor, type: 'aml.match.found' },
      { cursor, type: 'aml.*', status: 'pending' },
    ])
      expect((await api.get('/events').query(query).expect(422)).body).toMatchObject(refused)
    const otherList = await api.get('/deliveries').query({ cursor, type: 'aml.*' }).expect(422)
    expect(otherList.body).toMatchObject(refused)
    const tampered = `${cursor.slice(0, -2)}${cursor.endsWith('AA') ? 'BB' : 'AA'}`
    expect(
      (await api.get('/events').query({ cursor: tampered, type: 'aml.*' }).expect(422)).body,
    ).toMatchObject(refused)
    expect(await ids(api, { cursor, type: 'aml.*', limit: 100 })).toEqual(['b', 'a'])
  })
})

describe('a walk through executions, newest first', () => {
  it('is complete and in order however dense they are, and whatever is taken for their density', async () => {
    const { api, id } = await makeTenant(stack)
    // Those that still wait come first from the server, and are no measure of the others.
    await makeWebhook(api, receiver.url, { ...reluctant, subscription: { eventTypes: ['waits'] } })
    await post(api, numbered('old', 4), 'waits')
    await Promise.all(numbered('old', 4).map((old) => waitingLog(api, old)))
    await post(api, numbered('dense', 30), 'quick')
    const all = [...numbered('old', 4), ...numbered('dense', 30)].toReversed()
    await shows(api, all, { limit: 100 })
    const query = `WorkflowType = 'routeEvent' AND TenantId = '${id}'`
    for (const limits of [
      { sample: 2, atOnce: 4 },
      { sample: 4, atOnce: 8 },
      { sample: 8, atOnce: 100 },
      { sample: 40, atOnce: 4 },
    ]) {
      for (const meanGapMs of [undefined, 1, 3_600_000]) {
        const seen: string[] = []
        let after
        for (let complete = false; !complete;) {
          const stretch = await walkNewestFirst(
            stack.temporal,
            { query, after, meanGapMs, wanted: 3 },
            limits,
          )
          seen.push(...stretch.executions.map(({ memo }) => memo.eventId))
          after = stretch.executions.at(-1) ?? after
          complete = stretch.complete
        }
        expect(seen, JSON.stringify({ limits, meanGapMs })).toEqual(all)
      }
    }
  }, 60_000)
})
