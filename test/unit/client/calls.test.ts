import { describe, expect, it, onTestFinished } from 'vitest'
import { ApiError, ConnectionError, Switchyard } from '../../../packages/client/src/index.ts'
import { silence, startReceiver, status, type Respond } from '../../support/servers/receiver.ts'

const event = { type: 'aml.match.found', data: { riskLevel: 'high' } }
const accepted = JSON.stringify({ id: 'evt_1', type: event.type, status: 'accepted' })

/** A client of a server that answers in turn; the last answer counts for all further requests. */
async function connect(
  responds: Respond[],
  options: Partial<ConstructorParameters<typeof Switchyard>[0]> = {},
) {
  const server = await startReceiver((response, request, count) =>
    responds[Math.min(count, responds.length) - 1]?.(response, request, count),
  )
  onTestFinished(() => server.stop())
  const baseUrl = `http://127.0.0.1:${server.port}`
  const client = new Switchyard({ apiKey: 'sk_test_1', baseUrl, minDelayMs: 1, ...options })
  const keys = () => server.received.map(({ headers }) => headers['idempotency-key'])
  return { client, server, keys }
}

const hangUp: Respond = (response) => void response.destroy()
const hangUpInBody: Respond = (response) => {
  response.writeHead(202, { 'content-length': 100 }).write('{"id":')
  setImmediate(() => response.destroy())
}
const problem = (code: string, httpStatus: number, more: object = {}) =>
  status(
    httpStatus,
    { 'content-type': 'application/problem+json' },
    JSON.stringify({
      type: `urn:switchyard:error:${code}`,
      title: 'T',
      status: httpStatus,
      code,
      detail: 'D',
      ...more,
    }),
  )

describe('a request', () => {
  it('has the key, the body, and a random idempotency key for each call', async () => {
    const { client, server, keys } = await connect([status(202, {}, accepted)])
    expect(await client.events.send(event, { hops: 2 })).toMatchObject({ id: 'evt_1' })
    await client.events.send(event)
    const [first] = server.received
    expect(first).toMatchObject({
      path: '/api/v1/events',
      headers: {
        authorization: 'Bearer sk_test_1',
        'content-type': 'application/json',
        'switchyard-hops': '2',
      },
    })
    expect(JSON.parse(first?.body ?? '')).toEqual(event)
    expect(keys()).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), expect.stringMatching(/^[0-9a-f]{32}$/)])
    expect(new Set(keys()).size).toBe(2)
  })

  it('has its ids in the path, encoded, and its query without values that are not set', async () => {
    const { client, server } = await connect([status(200, {}, '{"data":[]}')])
    await client.tenantKeys.revoke('ten/1?', 'key_2')
    await client.events.list({ type: 'a&b', limit: 3, status: undefined }).page()
    await client.events.list().page()
    expect(server.received.map(({ path }) => path)).toEqual([
      '/api/v1/tenants/ten%2F1%3F/keys/key_2',
      '/api/v1/events?type=a%26b&limit=3',
      '/api/v1/events',
    ])
  })

  it.each(['', '.', '..'])('is not sent with the id "%s", which is another route', async (id) => {
    const { client, server } = await connect([status(200)])
    expect(() => client.rules.delete(id)).toThrow(TypeError)
    expect(server.received).toEqual([])
  })

  it('may be below a path, and without an answer’s body', async () => {
    const { server } = await connect([status(204)])
    const baseUrl = `http://127.0.0.1:${server.port}/switchyard/`
    expect(await new Switchyard({ apiKey: 'k', baseUrl }).rules.delete('rul_1')).toBeUndefined()
    expect(server.received[0]?.path).toBe('/switchyard/api/v1/rules/rul_1')
  })
})

describe('a call is repeated', () => {
  it.each<[why: string, first: Respond]>([
    ['429', problem('rate_limited', 429)],
    ['503', problem('overloaded', 503)],
    ['a connection that ends before the answer', hangUp],
    ['a connection that ends within the answer', hangUpInBody],
  ])('after %s, with the same idempotency key', async (_why, first) => {
    const { client, keys } = await connect([first, first, status(202, {}, accepted)])
    expect(await client.events.send(event)).toMatchObject({ id: 'evt_1' })
    expect(keys()).toHaveLength(3)
    expect(new Set(keys()).size).toBe(1)
  })

  it('with the caller’s own idempotency key', async () => {
    const { client, keys } = await connect([hangUp, status(202, {}, accepted)])
    await client.events.send(event, { idempotencyKey: 'order-7' })
    expect(keys()).toEqual(['order-7', 'order-7'])
  })

  it('not before the time that Retry-After gives', async () => {
    const { client } = await connect([status(503, { 'retry-after': '1' }), status(202, {}, accepted)])
    const startedAt = performance.now()
    await client.events.send(event)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990)
  })

  it('after a timeout', async () => {
    const { client, server } = await connect([silence], { timeoutMs: 50, maxRetries: 1 })
    await expect(client.events.get('evt_1')).rejects.toThrow('GET /api/v1/events/evt_1 timed out.')
    expect(server.received).toHaveLength(2)
  })
})

describe('a call is not repeated', () => {
  it('more often than maxRetries', async () => {
    const { client, server } = await connect([problem('unavailable', 503)], { maxRetries: 2 })
    await expect(client.events.send(event)).rejects.toMatchObject({ code: 'unavailable', status: 503 })
    expect(server.received).toHaveLength(3)
  })

  it('if Retry-After asks for more than maxDelayMs', async () => {
    const { client, server } = await connect([status(429, { 'retry-after': '31' })])
    await expect(client.events.send(event)).rejects.toMatchObject({ status: 429, retryAfterMs: 31_000 })
    expect(server.received).toHaveLength(1)
  })

  it('after a network error, if repeating it could repeat its effect', async () => {
    const { client, server } = await connect([hangUp])
    await expect(client.destinations.test('dst_1')).rejects.toThrow(ConnectionError)
    expect(server.received).toHaveLength(1)
  })

  it.each([400, 401, 404, 409, 422, 500, 502])('after %i', async (code) => {
    const { client, server } = await connect([status(code)])
    await expect(client.events.send(event)).rejects.toMatchObject({ status: code, code: 'unknown' })
    expect(server.received).toHaveLength(1)
  })

  it('once its signal is aborted, whose reason it throws', async () => {
    const controller = new AbortController()
    const { client, server } = await connect([
      (response) => {
        controller.abort(new Error('no longer needed'))
        response.destroy()
      },
    ])
    await expect(client.events.send(event, { signal: controller.signal })).rejects.toThrow('no longer needed')
    expect(server.received).toHaveLength(1)
  })
})

describe('an error', () => {
  it('has the code, the status and the fields of the problem details', async () => {
    const errors = [{ path: 'type', message: 'is missing' }]
    const { client } = await connect([problem('invalid_request', 422, { errors })])
    const error: unknown = await client.events.send(event).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({
      name: 'ApiError',
      code: 'invalid_request',
      status: 422,
      message: 'D',
      errors,
    })
  })

  it('of a proxy has its text', async () => {
    const { client } = await connect([status(502, { 'content-type': 'text/html' }, '<h1>Bad gateway</h1>')])
    await expect(client.events.get('evt_1')).rejects.toMatchObject({
      code: 'unknown',
      status: 502,
      body: '<h1>Bad gateway</h1>',
    })
  })

  it.each([
    ['not JSON', status(200, {}, '<p>Log in</p>')],
    ['a redirect', status(302, { location: 'http://127.0.0.1:9/' })],
  ])('is an answer that is %s', async (_what, respond) => {
    const { client } = await connect([respond])
    await expect(client.events.get('evt_1')).rejects.toMatchObject({ code: 'unknown' })
  })

  it('of the network has its cause', async () => {
    const { client } = await connect([hangUp], { maxRetries: 0 })
    await expect(client.events.get('evt_1')).rejects.toMatchObject({
      name: 'ConnectionError',
      message: 'GET /api/v1/events/evt_1 failed.',
      cause: expect.any(TypeError) as TypeError,
    })
  })
})

describe('a list', () => {
  const page = (ids: string[], nextCursor: string | null): Respond =>
    status(200, {}, JSON.stringify({ data: ids.map((id) => ({ id })), nextCursor }))
  const three = [page(['a', 'b'], 'c1'), page([], 'c2'), page(['c'], null)]

  it('iterates over all items, and over empty pages', async () => {
    const { client, server } = await connect(three)
    const ids: string[] = []
    for await (const { id } of client.events.list({ type: 'x' })) ids.push(id)
    expect(ids).toEqual(['a', 'b', 'c'])
    expect(server.received.map(({ path }) => path)).toEqual([
      '/api/v1/events?type=x',
      '/api/v1/events?type=x&cursor=c1',
      '/api/v1/events?type=x&cursor=c2',
    ])
  })

  it('requests no more pages than are read', async () => {
    const { client, server } = await connect(three)
    for await (const { id } of client.events.list()) if (id === 'b') break
    expect(server.received).toHaveLength(1)
  })

  it('returns one page, from a cursor', async () => {
    const { client, server } = await connect(three)
    const first = await client.events.list({ cursor: 'c0' }).page()
    expect([first.data.length, first.nextCursor]).toEqual([2, 'c1'])
    expect(server.received[0]?.path).toBe('/api/v1/events?cursor=c0')
  })

  it('that comes whole is one page', async () => {
    const { client, server } = await connect([status(200, {}, '{"data":[{"type":"a"},{"type":"b"}]}')])
    const types: string[] = []
    for await (const { type } of client.eventTypes.list()) types.push(type)
    expect(types).toEqual(['a', 'b'])
    expect(server.received).toHaveLength(1)
  })
})
