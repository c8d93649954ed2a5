import { describe, expect, it } from 'vitest'
import { closedPort, startRawServer } from '../support/servers/raw-server.ts'
import { silence, status, type Respond } from '../support/servers/receiver.ts'
import { startSmtpReceiver } from '../support/servers/smtp-receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { eventually, makeTenant, readLog, settledLog, untilTestEnds } from '../support/stack.ts'
import { createWebhook, httpsReceiver, testUrl, verified, type Problem } from './webhooks-client.ts'

/** The Webhooks API’s document, "Test Webhook". */
const stack = sharedStack()

const succeeded = (log_id: number) => ({
  success: true,
  message: 'Test webhook delivered successfully',
  log_id,
  http_status_code: 200,
})

describe('POST /api/v1/webhooks/test/', () => {
  it.each(['/webhooks/test/', '/webhooks/test'])('200 by %s: exactly the documented answer', async (path) => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver(status(200, {}, 'thank you'))
    const { body } = await api.post(path, { webhook_url: receiver.url }).expect(200)
    expect(body).toEqual(succeeded(1))
    expect(Object.keys(body as object)).toEqual(['success', 'message', 'log_id', 'http_status_code'])
    expect(receiver.received).toHaveLength(1)
  })

  it('any other 2xx is a success, and its status is told', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver(status(204))
    expect(await testUrl(api, receiver.url, 200)).toEqual({ ...succeeded(1), http_status_code: 204 })
  })

  it.each<[code: number, why: string, respond: Respond]>([
    [404, 'HTTP 404: Not Found', status(404)],
    [500, 'HTTP 500: Internal Server Error', status(500, {}, 'a stack trace')],
    [301, 'HTTP 301: redirects are not followed', status(301, { location: '/elsewhere' })],
    [410, 'HTTP 410: the receiver is gone', status(410)],
    [503, 'HTTP 503: Service Unavailable', status(503, { 'retry-after': '1' })],
    [599, 'HTTP 599', status(599)],
  ])('502 for a %i, after one request and no more', async (code, why, respond) => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver(respond)
    const answer = await api.post('/webhooks/test/', { webhook_url: receiver.url }).expect(502)
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    expect(answer.text).toBe(
      JSON.stringify({
        success: false,
        message: `Test webhook delivery failed: ${why}`,
        log_id: 1,
        http_status_code: code,
      }),
    )
    // Once the log is settled nothing is left that could send another.
    expect((await settledLog(api, 'test_1')).deliveries[0]?.attempts).toHaveLength(1)
    expect(receiver.received).toHaveLength(1)
  })

  const unreachable: [what: string, why: RegExp, start: () => Promise<string>][] = [
    ['a host that does not exist', /^DNS: /, () => Promise.resolve('https://no-such-host.invalid/')],
    [
      'a port where nobody listens',
      /^connection refused$/,
      async () => `https://localhost:${await closedPort()}/`,
    ],
    [
      'a certificate that is not to be trusted',
      /^TLS: .*certificate/,
      async () =>
        `https://localhost:${untilTestEnds(await startSmtpReceiver(undefined, { tls: true })).port}/`,
    ],
    [
      'a server without TLS',
      /^TLS: the handshake failed$/,
      async () => {
        const plain = await startRawServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
        return `https://localhost:${untilTestEnds(plain).port}/`
      },
    ],
  ]
  it.each(unreachable)('502 for %s, in words and without a status', async (_what, why, start) => {
    const { api } = await makeTenant(stack)
    expect(await testUrl(api, await start(), 502)).toEqual({
      success: false,
      message: expect.stringMatching(
        `^Test webhook delivery failed: ${why.source.replace('^', '')}`,
      ) as string,
      log_id: 1,
      http_status_code: null,
    })
  })

  it('502 for a known webhook that does not answer within its own timeout', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver(silence)
    await api
      .post('/destinations', {
        name: 'slow',
        channel: 'webhook',
        config: { url: receiver.url },
        subscription: { eventTypes: ['all'] },
        delivery: { timeoutMs: 300 },
      })
      .expect(201)
    expect(await testUrl(api, receiver.url, 502)).toEqual({
      success: false,
      message: 'Test webhook delivery failed: no response within 300 ms',
      log_id: 1,
      http_status_code: null,
    })
    expect(receiver.received).toHaveLength(1)
  })

  it('422 in production for a name of this machine’s own, without a connection', async () => {
    const { api } = await makeTenant(stack, 'production')
    const receiver = await httpsReceiver()
    const answer = await api.post('/webhooks/test/', { webhook_url: receiver.url }).expect(422)
    expect((answer.body as Problem).errors).toEqual([
      { path: 'webhook_url', message: expect.stringContaining('not a public address') as string },
    ])
    expect(receiver.received).toHaveLength(0)
  })

  it.each<[body: object, path: string]>([
    [{}, 'webhook_url'],
    [{ webhook_url: 'http://example.com/' }, 'webhook_url'],
    [{ webhook_url: 'example.com' }, 'webhook_url'],
    [{ webhook_url: 'https://' }, 'webhook_url'],
    [{ webhook_url: 'https://a:b@example.com/' }, 'webhook_url'],
    [{ webhook_url: 'https://169.254.169.254/' }, 'webhook_url'],
    [{ webhook_url: ['https://example.com/'] }, 'webhook_url'],
  ])('422 for %j, and no number is used up', async (body, path) => {
    const { api } = await makeTenant(stack)
    const answer = await api.post('/webhooks/test/', body).expect(422)
    expect((answer.body as Problem).errors.map((error) => error.path)).toEqual([path])
    const receiver = await httpsReceiver()
    expect(await testUrl(api, receiver.url, 200)).toEqual(succeeded(1))
  })
})

describe('the test event', () => {
  it('is of type test and says so in a header; unsigned where the URL is nobody’s', async () => {
    const { api } = await makeTenant(stack)
    const [receiver, other] = [await httpsReceiver(), await httpsReceiver()]
    await createWebhook(api, { webhook_url: other.url })
    await testUrl(api, receiver.url, 200)
    const [request] = receiver.received
    expect(JSON.parse(request?.body ?? '')).toMatchObject({ type: 'test', data: { test: true } })
    expect(request?.headers).toMatchObject({ 'switchyard-test': 'true', 'webhook-id': 'test_1' })
    expect(Object.keys(request?.headers ?? {}).filter((name) => name.includes('signature'))).toEqual([])
    // It went to this URL alone: a webhook for "all" is not sent it.
    await settledLog(api, 'test_1')
    expect(other.received).toHaveLength(0)
  })

  it.each([true, false])('is signed by the webhook’s secret key, is_active %j', async (is_active) => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    const { id, secret_key } = await createWebhook(api, { webhook_url: receiver.url })
    await api.patch(`/webhooks/${id}/`, { is_active }).expect(200)
    await testUrl(api, receiver.url, 200)
    expect(receiver.received).toHaveLength(1)
    expect(verified(receiver.received[0], secret_key)).toMatchObject({ type: 'test' })
    expect(receiver.received[0]?.headers).toMatchObject({ 'switchyard-test': 'true' })
  })

  it('is signed by the newest webhook’s where several have the URL, and never by another tenant’s', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    await createWebhook(api, { event_type: 'case.opened', webhook_url: receiver.url })
    const newest = await createWebhook(api, { event_type: 'case.resolved', webhook_url: receiver.url })
    await testUrl(api, receiver.url, 200)
    const { api: stranger } = await makeTenant(stack)
    await testUrl(stranger, receiver.url, 200)
    const [own, strangers] = receiver.received
    expect(verified(own, newest.secret_key)).toMatchObject({ type: 'test' })
    expect(strangers?.headers).not.toHaveProperty('webhook-signature')
  })

  it('is in the list of events and has a log, both marked as a test', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    await testUrl(api, receiver.url, 200)
    const { body } = await eventually(
      () => api.get('/events').expect(200),
      (answer) => (answer.body as { data: { status: string }[] }).data[0]?.status === 'delivered',
    )
    expect(body).toMatchObject({ data: [{ id: 'test_1', type: 'test', test: true }] })
    expect(await readLog(api, 'test_1')).toMatchObject({
      test: true,
      deliveries: [{ status: 'delivered', attempts: [{ number: 1, outcome: 'delivered' }] }],
    })
  })
})
