import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { fieldMessage } from '../../src/api/fields/messages.ts'
import { createEgress } from '../../src/egress/egress.ts'
import { webhook } from '../../src/channels/webhook.ts'
import type { Event, JsonObject } from '../../src/domain/event.ts'
import { wireFormatNames } from '../../src/domain/wire-formats/index.ts'
import { type Received, type Respond, startReceiver, status } from '../support/servers/receiver.ts'
import { untilTestEnds } from '../support/stack.ts'
import { channelContract, egress, send } from './contract.ts'
import { httpHarness } from './http-harness.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='
const token = 'tok_4f0c9f7e21aa'
const apiKey = 'key"with\\signs'

const verify = ({ headers, body }: Pick<Received, 'headers' | 'body'>) =>
  new Webhook(secret).verify(body, headers as Record<string, string>)

const classes: [from: number[], outcome: object][] = [
  [[200, 201, 202, 204, 226], { kind: 'delivered' }],
  [
    [300, 304, 305],
    {
      kind: 'failed',
      errorClass: 'http',
      error: expect.stringContaining('redirects are not followed') as string,
    },
  ],
  [
    [400, 401, 403, 404, 408, 409, 413, 422, 429, 451, 500, 501, 502, 503, 504, 599],
    { kind: 'failed', errorClass: 'http' },
  ],
  [[410], { kind: 'rejected', errorClass: 'http', gone: true, error: 'HTTP 410: the receiver is gone' }],
]

channelContract<Respond>('webhook', {
  channel: webhook,
  secret,
  config: (origin) => ({
    url: `${origin}/hook`,
    headers: { Authorization: `Bearer ${token}`, 'X-Api-Key': apiKey },
  }),
  secrets: [token, apiKey, `Bearer ${token}`, secret],
  content: { body: '{"note": "from a template"}' },
  loggedHeaders: {
    'User-Agent': 'Switchyard/1.0',
    'webhook-id': expect.stringMatching(/^evt_/) as string,
    Authorization: '****21aa',
    'X-Api-Key': '****igns',
  },
  answers: classes.flatMap(([codes, outcome]) =>
    codes.map((code): [string, Respond, object] => [
      `HTTP ${code}`,
      status(code),
      { ...outcome, responseCode: code },
    ]),
  ),
  ...httpHarness((request) => ({
    id: request.headers['webhook-id'] as string,
    text: JSON.stringify(verify(request)),
  })),
})

const start = async (respond?: Respond) => untilTestEnds(await startReceiver(respond))
const deliver = (url: string, data: JsonObject) =>
  send({ channel: webhook, secret, config: { url }, event: { data } })

describe('a webhook', () => {
  const payloads: [what: string, data: JsonObject][] = [
    ['unicode and emoji', { name: 'Zoë Ångström 王小明 🕵️‍♀️', note: '\u2028\u2029\u0000\u007F"\\/' }],
    [
      'numbers that are written in several ways',
      { big: 1e21, small: 0.1, sum: 0.1 + 0.2, zero: -0, least: 5e-324 },
    ],
    ['nested values', { a: [{ b: [[], {}, [null, true, { c: 'd' }]] }], '': { '': '' } }],
    ['half a surrogate pair', { half: '\uD83D' }],
    ['200 KiB', { text: 'ä€😀'.repeat(22_000) }],
    ['nothing', {}],
  ]
  it.each(payloads)('is signed over the bytes that are sent: %s', async (_what, data) => {
    const receiver = await start()
    expect(await deliver(receiver.url, data)).toMatchObject({ kind: 'delivered' })
    const [request] = receiver.received
    expect(request && verify(request)).toEqual({
      type: 'aml.match.found',
      timestamp: '2026-11-21T11:28:12.345Z',
      data: JSON.parse(JSON.stringify(data)) as object,
    })
  })

  it('does not verify with one character changed, in the body or in a signed header', async () => {
    const receiver = await start()
    await deliver(receiver.url, { riskLevel: 'high' })
    const [request] = receiver.received
    if (!request) throw new Error('nothing arrived')
    const { headers, body } = request
    expect(() => verify({ headers, body })).not.toThrow()
    expect(() => verify({ headers, body: body.replace('high', 'higg') })).toThrow()
    expect(() => verify({ headers, body: `${body} ` })).toThrow()
    expect(() => verify({ headers: { ...headers, 'webhook-id': 'evt_other' }, body })).toThrow()
    const later = String(Number(headers['webhook-timestamp']) + 1)
    expect(() => verify({ headers: { ...headers, 'webhook-timestamp': later }, body })).toThrow()
  })

  it('carries the time of the attempt in its signature and the time of the event in its body', async () => {
    const receiver = await start()
    const sentAt = new Date('2026-11-22T00:00:00.999Z')
    await send({ channel: webhook, secret, config: { url: receiver.url }, sentAt })
    const [request] = receiver.received
    expect(request?.headers['webhook-timestamp']).toBe('1795305600')
    expect(JSON.parse(request?.body ?? '')).toMatchObject({ timestamp: '2026-11-21T11:28:12.345Z' })
  })

  it('carries the tenant’s own headers and says who it is', async () => {
    const receiver = await start()
    const config = { url: receiver.url, headers: { 'X-Team': 'aml', Authorization: 'Bearer abc' } }
    await send({ channel: webhook, secret, config })
    expect(receiver.received[0]?.headers).toMatchObject({
      'x-team': 'aml',
      authorization: 'Bearer abc',
      'content-type': 'application/json',
      'user-agent': 'Switchyard/1.0',
    })
  })

  it('is delivered by a 2xx even when its body never ends: the status decides', async () => {
    const receiver = await start((response) => void response.writeHead(200).write('thank you'))
    const outcome = await send({ channel: webhook, secret, config: { url: receiver.url }, timeoutMs: 300 })
    expect(outcome).toMatchObject({ kind: 'delivered', responseCode: 200, responseExcerpt: 'thank you' })
  })

  it('takes no more than it keeps of an answer without end', async () => {
    let written = 0
    const receiver = await start((response) => {
      response.writeHead(200)
      const more = () => {
        if (response.destroyed) return
        written += 64 * 1024
        response.write('x'.repeat(64 * 1024), () => setImmediate(more))
      }
      more()
    })
    const outcome = await send({ channel: webhook, secret, config: { url: receiver.url } })
    expect(outcome).toMatchObject({
      kind: 'delivered',
      responseCode: 200,
      responseExcerpt: 'x'.repeat(2048),
    })
    expect(written).toBeLessThan(64 * 1024 * 1024)
  })
})

describe('the log of a webhook’s headers', () => {
  const ofHttp = ['host', 'connection', 'content-length']

  it.each<[what: string, event: Partial<Event>, more: string[]]>([
    ['a real event', {}, []],
    ['a test event', { test: true }, ['switchyard-test']],
  ])('has every header that arrived, the tenant’s own masked: %s', async (_what, event, more) => {
    const receiver = await start()
    const headers = { Authorization: `Bearer ${token}`, 'X-Team': 'aml', constructor: 'x'.repeat(40) }
    const config = { url: receiver.url, headers }
    const { requestHeaders = {} } = await send({ channel: webhook, secret, config, event })
    const logged = Object.fromEntries(
      Object.entries(requestHeaders).map(([name, value]) => [name.toLowerCase(), value]),
    )
    const arrived = Object.entries(receiver.received[0]?.headers ?? {}).filter(
      ([name]) => !ofHttp.includes(name),
    )
    expect(logged).toEqual({
      ...Object.fromEntries(arrived),
      authorization: '****21aa',
      'x-team': '****',
      constructor: '****xxxx',
    })
    const ours = [
      'user-agent',
      'accept',
      'content-type',
      'webhook-id',
      'webhook-timestamp',
      'webhook-signature',
      'switchyard-hops',
    ]
    expect(Object.keys(logged)).toEqual([...ours, ...more, 'authorization', 'x-team', 'constructor'])
  })

  it('has at most 40, ours first, and cuts what is longer than 256 characters', async () => {
    const receiver = await start()
    const headers = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`X-Number-${n}`, `${n}`]))
    const { requestHeaders = {} } = await send({
      channel: webhook,
      secret,
      config: { url: receiver.url, headers },
      event: { id: 'e'.repeat(300) },
    })
    expect(Object.keys(requestHeaders)).toHaveLength(40)
    expect(requestHeaders['webhook-signature']).toBe(receiver.received[0]?.headers['webhook-signature'])
    expect(requestHeaders['webhook-id']).toBe(`${'e'.repeat(256)}…`)
    expect(receiver.received[0]?.headers).toMatchObject({
      'webhook-id': 'e'.repeat(300),
      'x-number-59': '59',
    })
  })
})

describe('a webhook whose time is up before it is connected', () => {
  it('is not sent later', async () => {
    const receiver = await start()
    let nameServerWakes: () => void = () => undefined
    const awake = new Promise<void>((resolve) => (nameServerWakes = resolve))
    const egress = createEgress({
      allow: [],
      sandboxLoopback: true,
      lookUp: () => awake.then(() => [{ address: '127.0.0.1', family: 4 }]),
    })
    untilTestEnds({ stop: () => egress.close() })
    const attempt = (id: string, timeoutMs: number) =>
      send({
        channel: webhook,
        secret,
        config: { url: `http://receiver.example:${receiver.port}/hook` },
        event: { id },
        timeoutMs,
        context: { egress },
      })
    expect(await attempt('evt_late', 200)).toMatchObject({ kind: 'failed', errorClass: 'timeout' })
    const next = attempt('evt_next', 10_000)
    nameServerWakes()
    expect(await next).toMatchObject({ kind: 'delivered' })
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual(['evt_next'])
  })
})

describe('a webhook’s config', () => {
  it.each([[['2xx']], [['200']], [['200', '599', '404', '409']], [['2xx', '200']]])(
    'takes the success codes %j',
    (successCodes) => {
      expect(webhook.config.parse({ url: 'https://x.example/', successCodes })).toMatchObject({
        successCodes,
      })
    },
  )

  const range = 'must be 2xx or a status code from 200 to 599'
  it.each<[codes: string[], path: (string | number)[], message: string]>([
    [['410'], ['successCodes', 0], 'must not be 410, which always disables the destination'],
    [['200', '302'], ['successCodes', 1], 'must not be a redirect, which is never followed'],
    [['399'], ['successCodes', 0], 'must not be a redirect, which is never followed'],
    [['3xx'], ['successCodes', 0], range],
    [['4xx'], ['successCodes', 0], range],
    [['199'], ['successCodes', 0], range],
    [['600'], ['successCodes', 0], range],
    [['200\n'], ['successCodes', 0], range],
    [[''], ['successCodes', 0], range],
    [['200', '200'], ['successCodes'], 'must not contain duplicates'],
    [[], ['successCodes'], 'must not be empty'],
    [Array.from({ length: 21 }, (_, n) => `${200 + n}`), ['successCodes'], 'must have at most 20 items'],
  ])('refuses the success codes %j', (successCodes, path, message) => {
    const result = webhook.config.safeParse(
      { url: 'https://x.example/', successCodes },
      { error: fieldMessage },
    )
    expect(result.error?.issues.map((issue) => [issue.path, issue.message])).toEqual([[path, message]])
  })

  it('counts any 2xx as success where it says nothing else', () => {
    expect(webhook.config.parse({ url: 'https://x.example/' })).toMatchObject({ successCodes: ['2xx'] })
  })

  const refusedHeaders = [
    'Host', 'host', 'Content-Length', 'Content-Type', 'Transfer-Encoding', 'Connection', 'Keep-Alive', 'TE', 'Trailer',
    'Upgrade', 'Expect', 'Proxy-Authorization', 'User-Agent', 'Webhook-Id', 'webhook-signature', 'WEBHOOK-TIMESTAMP',
    'X Y', 'X:Y', 'X\r\nY', 'Ünicode', '', 'x'.repeat(101),
  ] // prettier-ignore
  it.each(refusedHeaders)('refuses the header %j', (name) => {
    const result = webhook.config.safeParse({ url: 'https://x.example/', headers: { [name]: 'value' } })
    expect(result.error?.issues[0]?.path.slice(0, 1)).toEqual(['headers'])
  })

  it.each(['a\r\nX-Injected: yes', 'a\nb', 'a\u0000b', 'Zoë', '\u007F'])(
    'refuses the header value %j',
    (value) => {
      const result = webhook.config.safeParse({ url: 'https://x.example/', headers: { 'X-Team': value } })
      expect(result.error?.issues[0]?.path).toEqual(['headers', 'X-Team'])
    },
  )

  it.each([
    'not a url', '', '/hook', 'ftp://x.example/', 'file:///etc/passwd', 'javascript:alert(1)', 'https://user@x.example/',
    'https://:password@x.example/', `https://x.example/${'a'.repeat(2048)}`,
  ])('refuses the URL %j', (url) => {
    expect(webhook.config.safeParse({ url }).error?.issues[0]?.path).toEqual(['url'])
  }) // prettier-ignore

  it('refuses plain http in production, and takes it in the sandbox', () => {
    const config = { url: 'http://receiver.example/hook' }
    expect(webhook.check(config, { environment: 'sandbox', egress })).toEqual([])
    expect(webhook.check(config, { environment: 'production', egress })).toEqual([
      { path: 'url', message: 'must use https in production' },
    ])
  })

  it.each([
    ['an unknown wire format', { url: 'https://x.example/', wireFormat: 'carrier-pigeon' }],
    ['an unknown field', { url: 'https://x.example/', ulr: 'https://x.example/' }],
    ['no URL', {}],
  ])('refuses %s', (_what, config) => {
    expect(webhook.config.safeParse(config).success).toBe(false)
  })
})

describe('a templated webhook', () => {
  const content = { body: '{ "note": "ä \\u2028 from a template" , "n": 12345678901234567890 }' }
  it.each(wireFormatNames.filter((name) => name !== 'kyc-webhooks' && name !== 'smart-kyc'))(
    'is signed over the body that the template made, and keeps the headers of %s',
    async (wireFormat) => {
      const [standard, templated] = [await start(), await start()]
      const config = (url: string) => ({ url, wireFormat, headers: { 'X-Team': 'aml' } })
      await send({ channel: webhook, secret, config: config(standard.url) })
      await send({ channel: webhook, secret, config: config(templated.url), content })
      const [request] = templated.received
      expect(request?.body).toBe(content.body)
      expect(request && verify(request)).toEqual(JSON.parse(content.body))
      expect(Object.keys(request?.headers ?? {})).toEqual(Object.keys(standard.received[0]?.headers ?? {}))
      expect(request?.headers['content-type']).toBe(standard.received[0]?.headers['content-type'])
    },
  )

  it.each([
    ['kyc-webhooks', 'x-webhook-signature', (body: string, at: string) => `sha256=${hmac(`${at}.${body}`)}`],
    ['smart-kyc', 'x-smartkyc-signature', (body: string) => hmac(body)],
  ])('likewise of %s', async (wireFormat, header, signature) => {
    const receiver = await start()
    await send({ channel: webhook, secret, config: { url: receiver.url, wireFormat }, content })
    const [request] = receiver.received
    expect(request?.body).toBe(content.body)
    const at = request?.headers['x-webhook-timestamp'] as string
    expect(request?.headers[header]).toBe(signature(content.body, at))
  })
})

function hmac(text: string): string {
  return createHmac('sha256', secret).update(text).digest('hex')
}
