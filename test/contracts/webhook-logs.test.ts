import { describe, expect, it } from 'vitest'
import { allButNews } from '../support/event.ts'
import { startReceiver, status, type Respond } from '../support/servers/receiver.ts'
import { startSmtpReceiver } from '../support/servers/smtp-receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import {
  eventually,
  makeKey,
  makeTenant,
  readLog,
  settledLog,
  untilTestEnds,
  waitingLog,
  type Api,
} from '../support/stack.ts'
import { createWebhook, httpsReceiver, postEvent, postSettled, type Problem } from './webhooks-client.ts'

/** The Smart KYC document, "Webhook Logs": status, event, response code, timestamp, response of every delivery. */
const stack = sharedStack()

type Status = 'Success' | 'Error' | 'Pending'
interface Row {
  status: Status
  event: string
  response_code: number | null
  timestamp: string | null
  response: string | null
  attempts: number
  event_id: string
  webhook_id: string | null
  test: boolean
}
interface Page {
  logs: Row[]
  next_cursor: string | null
}

async function read(api: Api, query = ''): Promise<Page> {
  return (await api.get(`/webhooks/logs/${query}`).expect(200)).body as Page
}

/** The rows once there are so many: events are a moment on their way into the list. */
async function rowsOnce(api: Api, count: number, query = ''): Promise<Row[]> {
  return (
    await eventually(
      () => read(api, query),
      ({ logs }) => logs.length === count,
    )
  ).logs
}

/** A list’s order stands still once the index knows that so many events have ended. */
async function ended(tenantId: string, events: number): Promise<void> {
  const query = `WorkflowType = 'routeEvent' AND TenantId = '${tenantId}' AND ExecutionStatus = 'Completed'`
  await eventually(
    () => stack.temporal.workflow.count(query),
    ({ count }) => count === events,
  )
}

async function addWebhook(api: Api, respond?: Respond, more: object = {}): Promise<string> {
  const { url } = untilTestEnds(await startReceiver(respond))
  const subscription = allButNews
  const given = { name: 'receiver', channel: 'webhook', config: { url }, subscription, ...more }
  return ((await api.post('/destinations', given).expect(201)).body as { id: string }).id
}

const once = { delivery: { schedule: ['0s'] } }
const again = { delivery: { schedule: ['0s', '1h'] } }

describe('GET /api/v1/webhooks/logs/', () => {
  it.each(['', '/'])('shows a delivery as the document has it, by a path that ends in "%s"', async (end) => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver(status(201, {}, 'stored as 7'))
    const { id } = await createWebhook(api, { event_type: 'case.opened', webhook_url: receiver.url })
    const event = await postSettled(api, 'case.opened')
    await rowsOnce(api, 1)
    expect((await api.get(`/webhooks/logs${end}`).expect(200)).body).toEqual({
      logs: [
        {
          status: 'Success',
          event: 'case.opened',
          response_code: 201,
          timestamp: event.deliveries[0]?.attempts[0]?.at,
          response: 'stored as 7',
          attempts: 1,
          event_id: event.id,
          webhook_id: id,
          test: false,
        },
      ],
      next_cursor: null,
    })
  })

  it('has a row for each webhook: Success, Error and Pending; none for an email', async () => {
    const { api } = await makeTenant(stack)
    await addWebhook(api)
    await addWebhook(api, status(401, {}, 'who are you?'), once)
    await addWebhook(api, status(500), again)
    const mail = untilTestEnds(await startSmtpReceiver())
    const config = { to: ['a@example.com'], from: 'b@example.com', smtpUrl: `smtp://127.0.0.1:${mail.port}` }
    const subscription = { eventTypes: ['case.opened'] }
    const email = { name: 'mail', channel: 'email', config, subscription }
    await api.post('/destinations', email).expect(201)

    const event_id = await postEvent(api, 'case.opened')
    await eventually(
      () => readLog(api, event_id),
      ({ deliveries }) =>
        deliveries.length === 4 && deliveries.every(({ attempts }) => attempts.length === 1),
    )
    expect(mail.mails).toHaveLength(1)
    const rows = await rowsOnce(api, 3)
    const common = { event: 'case.opened', event_id, attempts: 1, test: false }
    expect(rows).toMatchObject([
      { ...common, status: 'Success', response_code: 200, response: 'ok' },
      { ...common, status: 'Error', response_code: 401, response: 'who are you?' },
      { ...common, status: 'Pending', response_code: 500, response: 'HTTP 500: Internal Server Error' },
    ])
    expect(new Set(rows.map(({ webhook_id }) => webhook_id)).size).toBe(3)
    for (const wanted of ['Success', 'Error', 'Pending']) {
      const found = await rowsOnce(api, 1, `?status=${wanted}`)
      expect(found).toEqual(rows.filter(({ status }) => status === wanted))
    }
  })

  it('shows one webhook’s alone, by either of its ids, and by status as well', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const [steady, moody] = [await addWebhook(api), await addWebhook(api, status(500), once)]
    const ids = [await postSettled(api, 'case.opened'), await postSettled(api, 'case.resolved')].map(
      ({ id }) => id,
    )
    await ended(tenantId, 2)
    const all = await rowsOnce(api, 4)
    for (const [destination, wanted, never] of [
      [steady, 'Success', 'Error'],
      [moody, 'Error', 'Success'],
    ]) {
      const rows = await rowsOnce(api, 2, `?webhook=${destination}`)
      expect(rows.map(({ event_id }) => event_id).sort()).toEqual([...ids].sort())
      expect(rows.map(({ status }) => status)).toEqual([wanted, wanted])
      const [row] = rows
      expect(await read(api, `?webhook=${row?.webhook_id}`)).toEqual({ logs: rows, next_cursor: null })
      expect(await read(api, `?webhook=${row?.webhook_id}&status=${wanted}`)).toMatchObject({ logs: rows })
      for (const other of [never, 'Pending'])
        expect((await read(api, `?webhook=${destination}&status=${other}`)).logs).toEqual([])
      expect(all.filter(({ webhook_id }) => webhook_id === row?.webhook_id)).toHaveLength(2)
    }
  })

  it('follows a delivery: Pending until the attempt that succeeds, whose answer it then shows', async () => {
    const { api } = await makeTenant(stack)
    const respond: Respond = (response, _request, count) =>
      void response.writeHead(count === 1 ? 503 : 200).end(count === 1 ? 'wait' : 'welcome')
    const id = await addWebhook(api, respond, again)
    const eventId = await postEvent(api, 'case.opened')
    await waitingLog(api, eventId)
    const pending = { status: 'Pending', response_code: 503, response: 'wait', attempts: 1 }
    expect(await rowsOnce(api, 1, `?webhook=${id}&status=Pending`)).toMatchObject([pending])
    await api.post(`/events/${eventId}/retry`).expect(202)
    const log = await settledLog(api, eventId)
    expect(await rowsOnce(api, 1, `?webhook=${id}&status=Success`)).toMatchObject([
      {
        status: 'Success',
        response_code: 200,
        response: 'welcome',
        attempts: 2,
        timestamp: log.deliveries[0]?.attempts[1]?.at,
      },
    ])
    expect((await read(api, '?status=Pending')).logs).toEqual([])
  })

  it('shows tests, marked as such', async () => {
    const { api } = await makeTenant(stack)
    const id = await addWebhook(api)
    await api.post(`/destinations/${id}/test`, { eventType: 'aml.match.found' }).expect(200)
    expect(await rowsOnce(api, 1)).toMatchObject([
      { test: true, event: 'aml.match.found', event_id: 'test_1', status: 'Success' },
    ])
  })

  it('finds a cancelled delivery among the errors, where the whole list shows it', async () => {
    const { api } = await makeTenant(stack)
    const id = await addWebhook(api, status(500), again)
    const eventId = await postEvent(api, 'case.opened')
    await waitingLog(api, eventId)
    await api.post(`/events/${eventId}/cancel`).expect(202)
    await settledLog(api, eventId)
    const rows = (
      await eventually(
        () => read(api),
        ({ logs }) => logs[0]?.status === 'Error',
      )
    ).logs
    expect(rows).toMatchObject([{ event_id: eventId, response_code: 500 }])
    expect(await rowsOnce(api, 1, '?status=Error')).toEqual(rows)
    expect(await rowsOnce(api, 1, `?status=Error&webhook=${id}`)).toEqual(rows)
  })
})

describe('paging', () => {
  it.each([1, 2, 3, 100])('by %i events a page shows every row once', async (limit) => {
    const { api, id: tenantId } = await makeTenant(stack)
    await addWebhook(api)
    await addWebhook(api, status(500), once)
    const events = []
    for (let n = 0; n < 5; n++) events.push((await postSettled(api, 'case.opened', { n })).id)
    await ended(tenantId, 5)
    const seen: string[] = []
    let pages = 0
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: Page = await read(api, `?limit=${limit}${cursor && `&cursor=${cursor}`}`)
      seen.push(...page.logs.map(({ event_id, status }) => `${event_id} ${status}`))
      cursor = page.next_cursor
      pages++
    }
    expect(pages).toBeGreaterThanOrEqual(Math.ceil(5 / limit))
    expect([...seen].sort()).toEqual(events.flatMap((id) => [`${id} Error`, `${id} Success`]).sort())
  })

  it('422 for a cursor of another list', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    await addWebhook(api)
    for (let n = 0; n < 2; n++) await postSettled(api, 'case.opened', { n })
    await ended(tenantId, 2)
    const { next_cursor } = await read(api, '?limit=1')
    expect(next_cursor).toEqual(expect.any(String))
    for (const query of [`?status=Pending&cursor=${next_cursor}`, '?cursor=nonsense', '?cursor=%00']) {
      const { body } = await api.get(`/webhooks/logs/${query}`).expect(422)
      expect((body as Problem).errors.map(({ path }) => path)).toEqual(['cursor'])
    }
  })
})

describe('what is asked wrongly, or by others', () => {
  it.each([
    ['?status=success', 'status'],
    ['?status=Failed', 'status'],
    ['?limit=0', 'limit'],
    ['?limit=101', 'limit'],
    ['?event=case.opened', 'event'],
  ])('422 for %s names %s', async (query, path) => {
    const { api } = await makeTenant(stack)
    const { body } = await api.get(`/webhooks/logs/${query}`).expect(422)
    expect((body as Problem).errors).toMatchObject([{ path }])
  })

  it('404 for a webhook id that is none; nothing for one that nobody has', async () => {
    const { api } = await makeTenant(stack)
    await api.get('/webhooks/logs/?webhook=nonsense').expect(404)
    for (const id of ['0190a6b2-7c1e-7d3f-8a4b-5c6d7e8f9a0b', 'dst_01jd6x7m2v8qhr0000000000ab', "dst_'"])
      expect(await read(api, `?webhook=${id}`)).toEqual({ logs: [], next_cursor: null })
  })

  it('one tenant and environment see none of another’s, asked for by webhook or not', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const webhook = await addWebhook(api)
    await postSettled(api, 'case.opened')
    await rowsOnce(api, 1, `?webhook=${webhook}`)
    const { api: live } = await makeKey(stack, tenantId, 'production')
    const { api: stranger } = await makeTenant(stack)
    for (const other of [live, stranger]) {
      for (const query of ['', `?webhook=${webhook}`, '?status=Success'])
        expect(await read(other, query)).toEqual({ logs: [], next_cursor: null })
    }
  })
})
