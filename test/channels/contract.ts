import { afterAll, describe, expect, it } from 'vitest'
import type { Channel, ChannelContext } from '../../src/channels/channel.ts'
import { createEgress } from '../../src/egress/egress.ts'
import { channels } from '../../src/channels/index.ts'
import { secretValues } from '../../src/channels/secrets.ts'
import type { Content } from '../../src/templates/field.ts'
import type { Event, JsonObject } from '../../src/domain/event.ts'
import { maxExcerptBytes, type ErrorClass, type Outcome } from '../../src/domain/delivery/outcome.ts'
import { withoutSecrets } from '../../src/domain/redaction/redaction.ts'
import { makeEvent } from '../support/event.ts'
import { closedPort, startRawServer } from '../support/servers/raw-server.ts'
import { startSmtpReceiver } from '../support/servers/smtp-receiver.ts'
import { untilTestEnds } from '../support/stack.ts'

/** A real server of the channel's protocol on loopback. */
export interface ChannelServer {
  port: number
  /** How many requests were made, answered or not. */
  requests(): number
  /** What arrived: the id that tells a receiver that it has seen this before, and what a person or a program reads. */
  messages(): { id: string; text: string }[]
  stop(): Promise<unknown>
}

/** What the suite needs to know of a channel. `Answer` is how its protocol lets a server answer. */
export interface ChannelHarness<Answer> {
  channel: Channel
  /** The protocol without and with TLS. */
  schemes: [plain: string, tls: string]
  /** A config that points at an origin such as `http://127.0.0.1:1234`, with every secret field filled. */
  config(origin: string): JsonObject
  /** The signing secret, where the channel has one. */
  secret?: string
  /** Every text of that config that must never be seen. */
  secrets: string[]
  /** Names and values of headers that the log shows of every request. */
  loggedHeaders: Record<string, unknown>
  /** A server that answers every request so; it accepts when no answer is given. */
  start(answer?: Answer): Promise<ChannelServer>
  /** Every class of answer with what it comes to. */
  answers: [name: string, answer: Answer, outcome: Partial<Record<keyof ExpectedOutcome, unknown>>][]
  /** A refusal that says `text`, of a server that talks too much. */
  refusal(text: string): Answer
  /** The first bytes of an answer that is a refusal and never ends. */
  unfinished: string
  /** What a template makes of each field. It says "from a template". */
  content: Content
  retryAfter?: (status: number, value: string) => Answer
  redirect?: (status: number, location: string) => Answer
}

interface ExpectedOutcome {
  kind: Outcome['kind']
  errorClass: ErrorClass
  responseCode: number
  error: string
  gone: boolean
}

/** Lets every channel send to these hosts as well. */
function hostsAndAlso(...more: string[]): Record<string, string[]> {
  return Object.fromEntries(channels.map(({ name, hosts }) => [name, [...(hosts?.allowed ?? []), ...more]]))
}

export const egress = createEgress({
  allow: [],
  sandboxLoopback: true,
  serviceHosts: hostsAndAlso('no-such-host.invalid'),
})
afterAll(() => egress.close())

export interface Sending {
  channel: Channel
  config: JsonObject
  secret?: string | undefined
  event?: Partial<Event>
  sentAt?: Date
  timeoutMs?: number
  content?: Content
  context?: Partial<ChannelContext>
}

/** One attempt, as the attempt activity asks a channel for it. */
export function send({ channel, config, secret, event, context, ...rest }: Sending): Promise<Outcome> {
  const keys = { secrets: secret === undefined ? [] : [secret] }
  const destination = { id: 'dst_1', name: 'On call', config, eventTypes: ['all'], keys }
  const message = {
    event: makeEvent(event),
    destination,
    attempt: 1,
    sentAt: new Date(),
    timeoutMs: 10_000,
    ...rest,
  }
  return channel.send(message, { egress, ...context })
}

/** What every channel keeps to. Each channel's test file calls it with its harness. */
export function channelContract<Answer>(name: string, harness: ChannelHarness<Answer>): void {
  const { channel, secret, schemes } = harness
  const [plain, tls] = schemes
  const at = (port: number, scheme = plain) => harness.config(`${scheme}://127.0.0.1:${port}`)
  const sendTo = (port: number, more: Partial<Sending> = {}) =>
    send({ channel, secret, config: at(port), ...more })
  const start = async (answer?: Answer) => untilTestEnds(await harness.start(answer))
  const startRaw = async (onConnection: Parameters<typeof startRawServer>[0]) =>
    untilTestEnds(await startRawServer(onConnection))

  describe(`${name} keeps the channel contract`, () => {
    it('accepts the config that its own harness writes', () => {
      expect(channel.config.safeParse(at(1)).error).toBeUndefined()
      expect(channel.name).toBe(name)
    })

    it('delivers what a receiver can read', async () => {
      const server = await start()
      expect(await sendTo(server.port)).toMatchObject({ kind: 'delivered' })
      const [message] = server.messages()
      expect(message?.text).toContain('aml.match.found')
      expect(message?.text).toContain('Zoë Ångström')
      expect(message?.text).toContain('high')
      expect(server.requests()).toBe(1)
    })

    it('delivers what a template made, instead of its default', async () => {
      const fields = Object.entries(channel.template)
      expect(fields).not.toEqual([])
      const { content } = harness
      expect(Object.keys(content)).toEqual(Object.keys(channel.template))
      for (const [field, { problem }] of fields) expect(problem?.(content[field] ?? '')).toBeUndefined()
      const server = await start()
      expect(await sendTo(server.port, { content })).toMatchObject({ kind: 'delivered' })
      const [message] = server.messages()
      expect(message?.text).toContain('from a template')
      expect(message?.text).not.toContain('Zoë Ångström')
    })

    it('has a default for every field', () => {
      const of = { event: makeEvent(), destination: { id: 'dst_1', name: 'On call' } }
      const composed = channel.compose(of, {})
      expect(Object.keys(composed).sort()).toEqual(Object.keys(channel.template).sort())
      expect(JSON.stringify(composed)).toContain('Zoë Ångström')
    })

    it('sends again with the same id, and another event with another', async () => {
      const server = await start()
      await sendTo(server.port, { sentAt: new Date(Date.now() - 60_000) })
      await sendTo(server.port)
      await sendTo(server.port, { event: { id: 'evt_other' } })
      const [first, second, other] = server.messages().map(({ id }) => id)
      expect(first).toContain('evt_01jd6x7m2v8q')
      expect(second).toBe(first)
      expect(other).toContain('evt_other')
    })

    it.each(harness.answers)(
      '%s: classified, after one request and no more',
      async (_name, answer, outcome) => {
        const server = await start(answer)
        const made = await sendTo(server.port)
        expect(made).toMatchObject({ ...outcome, requestHeaders: harness.loggedHeaders })
        expect('errorClass' in made).toBe(made.kind !== 'delivered')
        expect(server.requests()).toBe(1)
      },
    )

    it('keeps at most the first 2 KiB of an answer', async () => {
      const server = await start(harness.refusal('ä'.repeat(4000)))
      const { responseExcerpt = '' } = await sendTo(server.port)
      expect(responseExcerpt).toContain('ää')
      // A character that the limit cuts in two counts for three bytes once it is a replacement character.
      expect(Buffer.byteLength(responseExcerpt)).toBeLessThanOrEqual(maxExcerptBytes + 2)
    })
  })

  describe(`${name} fails in words, when`, () => {
    const unreachable: [what: string, errorClass: ErrorClass, words: RegExp, act: () => Promise<Outcome>][] =
      [
        ['nobody listens', 'connection', /^connection refused$/, async () => sendTo(await closedPort())],
        [
          'the host does not exist',
          'dns',
          /^DNS: /,
          () => send({ channel, secret, config: harness.config(`${plain}://no-such-host.invalid`) }),
        ],
        [
          'the certificate is not to be trusted',
          'tls',
          /^TLS: .*certificate/,
          async () => {
            const server = untilTestEnds(await startSmtpReceiver(undefined, { tls: true }))
            return send({ channel, secret, config: at(server.port, tls) })
          },
        ],
        [
          'TLS is asked of a server that has none',
          'tls',
          /^TLS: the handshake failed$/,
          async () => {
            const server = await startRaw((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
            return send({ channel, secret, config: at(server.port, tls) })
          },
        ],
        [
          'the server hangs up without an answer',
          'connection',
          /^connection (closed|reset) by the receiver$/,
          async () => sendTo((await startRaw((socket) => void socket.end())).port),
        ],
        [
          'the answer is not of the protocol',
          'protocol',
          /^the response is not valid (HTTP|SMTP)$/,
          async () => sendTo((await startRaw((socket) => void socket.end('gibberish\r\n\r\n'))).port),
        ],
      ]
    it.each(unreachable)('%s', async (_what, errorClass, words, act) => {
      expect(await act()).toEqual({
        kind: 'failed',
        errorClass,
        error: expect.stringMatching(words) as string,
        requestHeaders: expect.objectContaining(harness.loggedHeaders) as object,
      })
    })
  })

  describe(`${name} honours its timeout, when`, () => {
    // Far below how long any library would wait by itself, far above what a busy machine needs.
    const promptlyMs = 8_000

    it('the server accepts the connection and never answers', async () => {
      const server = await startRaw(() => undefined)
      const startedAt = performance.now()
      const outcome = await sendTo(server.port, { timeoutMs: 300 })
      expect(outcome).toMatchObject({
        kind: 'failed',
        errorClass: 'timeout',
        error: 'no response within 300 ms',
        requestHeaders: harness.loggedHeaders,
      })
      expect(performance.now() - startedAt).toBeLessThan(promptlyMs)
      await server.hungUp
      expect(server.connections).toBe(1)
    })

    it('the server begins to answer and never ends', async () => {
      const server = await startRaw((socket) => void socket.write(harness.unfinished))
      const startedAt = performance.now()
      expect(await sendTo(server.port, { timeoutMs: 300 })).toMatchObject({ kind: 'failed' })
      expect(performance.now() - startedAt).toBeLessThan(promptlyMs)
      await server.hungUp
      expect(server.connections).toBe(1)
    })

    it('the server answers a little at a time, for ever', async () => {
      const server = await startRaw((socket) => {
        socket.write(harness.unfinished)
        const drip = setInterval(() => socket.write(harness.unfinished.slice(-1)), 50)
        socket.on('close', () => clearInterval(drip))
      })
      const startedAt = performance.now()
      expect(await sendTo(server.port, { timeoutMs: 300 })).toMatchObject({ kind: 'failed' })
      expect(performance.now() - startedAt).toBeLessThan(promptlyMs)
      await server.hungUp
    })
  })

  describe(`${name} lets no secret out:`, () => {
    it('the suite knows every secret field', () => {
      const config = at(1)
      const fields = channel.secrets.map((field) => JSON.stringify(config[field]))
      expect(fields.filter((text) => !harness.secrets.some((value) => text?.includes(value)))).toEqual([])
      expect(harness.secrets).not.toEqual([])
    })

    const outcomes: [what: string, act: () => Promise<Outcome>][] = [
      ['a delivery', async () => sendTo((await start()).port)],
      ['a refusal', async () => sendTo((await start(harness.refusal('no'))).port)],
      ['a refused connection', async () => sendTo(await closedPort())],
      [
        'an unknown host',
        () => send({ channel, secret, config: harness.config(`${plain}://no-such-host.invalid`) }),
      ],
      ['a TLS fault', async () => send({ channel, secret, config: at(await closedPort(), tls) })],
      ['a timeout', async () => sendTo((await startRaw(() => undefined)).port, { timeoutMs: 200 })],
      ['the egress guard', () => sendTo(1, { event: { environment: 'production' } })],
    ]
    it.each(outcomes)('%s', async (what, act) => {
      const outcome = await act()
      expect(outcome.kind === 'delivered').toBe(what === 'a delivery')
      expect(outcome.requestHeaders).toBeDefined()
      const said = JSON.stringify(outcome)
      const written = harness.secrets.map((value) => JSON.stringify(value).slice(1, -1))
      expect(written.filter((value) => said.includes(value))).toEqual([])
    })

    it.each(harness.secrets)('an answer that echoes it is cleaned (%#)', async (value) => {
      const server = await start(harness.refusal(`you sent ${value} to me`))
      const { responseExcerpt = '' } = await sendTo(server.port)
      expect(responseExcerpt).toContain(value)
      const clean = withoutSecrets(
        responseExcerpt,
        secretValues(channel, { config: at(server.port), keys: { secrets: [secret ?? ''] } }),
      )
      expect(clean).not.toContain(value)
      expect(clean).toContain('you sent [redacted] to me')
    })

    it.each(harness.secrets)('an excerpt that ends in the middle of it is cleaned (%#)', async (value) => {
      const half = Math.floor(value.length / 2)
      // Four characters less: SMTP begins its answer with the code.
      const filling = '.'.repeat(maxExcerptBytes - half - 4)
      const server = await start(harness.refusal(`${filling}${value}`))
      const { responseExcerpt = '' } = await sendTo(server.port)
      const beginning = value.slice(0, half - 1)
      expect(responseExcerpt).toContain(beginning)
      expect(responseExcerpt).not.toContain(value)
      const clean = withoutSecrets(
        responseExcerpt,
        secretValues(channel, { config: at(server.port), keys: { secrets: [secret ?? ''] } }),
      )
      expect(clean).not.toContain(beginning)
      expect(clean).toMatch(/\.\[redacted\]$/)
    })
  })

  describe(`${name} goes nowhere but where it may:`, () => {
    it.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433'])(
      'production to %s is refused without a connection',
      async (host) => {
        const server = await startRaw((socket) => void socket.end())
        const config = harness.config(`${plain}://${host}:${server.port}`)
        const outcome = await send({ channel, secret, config, event: { environment: 'production' } })
        expect(outcome).toMatchObject({
          kind: 'failed',
          errorClass: 'blocked',
          error: expect.stringContaining('address is not public') as string,
          requestHeaders: harness.loggedHeaders,
        })
        expect(server.connections).toBe(0)
      },
    )

    it('sandbox reaches loopback only where the installation opens it', async () => {
      const server = await start()
      const closed = createEgress({ allow: [], sandboxLoopback: false })
      expect(await sendTo(server.port, { context: { egress: closed } })).toMatchObject({ kind: 'failed' })
      expect(server.requests()).toBe(0)
      expect(await sendTo(server.port)).toMatchObject({ kind: 'delivered' })
      expect(server.requests()).toBe(1)
      await closed.close()
    })

    it('EGRESS_ALLOW opens an address to production', async () => {
      const server = await start()
      const opened = createEgress({ allow: ['127.0.0.0/8'], sandboxLoopback: false })
      const outcome = await sendTo(server.port, {
        event: { environment: 'production' },
        context: { egress: opened },
      })
      expect(outcome).toMatchObject({ kind: 'delivered' })
      await opened.close()
    })

    it('a tenant hears at once that production cannot have a closed address', () => {
      const config = at(1, tls)
      const problems = channel.check(config, { environment: 'production', egress })
      expect(problems).toEqual([
        {
          path: expect.any(String) as string,
          message: expect.stringContaining('not a public address') as string,
        },
      ])
      expect(channel.check(config, { environment: 'sandbox', egress })).toEqual([])
    })

    const { redirect } = harness
    if (redirect) {
      it.each([301, 302, 303, 307, 308])('a %i is not followed', async (status) => {
        const elsewhere = await start()
        const server = await start(redirect(status, `http://127.0.0.1:${elsewhere.port}/`))
        expect(await sendTo(server.port)).toMatchObject({
          kind: 'failed',
          errorClass: 'http',
          responseCode: status,
          error: `HTTP ${status}: redirects are not followed`,
        })
        expect(server.requests()).toBe(1)
        expect(elsewhere.requests()).toBe(0)
      })
    }
  })

  const { retryAfter } = harness
  if (retryAfter) {
    describe(`${name} hears Retry-After`, () => {
      it.each([429, 502, 503, 504])('in seconds with a %i', async (status) => {
        const server = await start(retryAfter(status, '120'))
        expect(await sendTo(server.port)).toMatchObject({
          kind: 'failed',
          responseCode: status,
          retryAfterMs: 120_000,
        })
      })

      it('as a date', async () => {
        const server = await start(retryAfter(503, new Date(Date.now() + 3_600_000).toUTCString()))
        const outcome = await sendTo(server.port)
        expect(outcome).toMatchObject({ kind: 'failed', retryAfterMs: expect.any(Number) as number })
        const { retryAfterMs } = outcome as { retryAfterMs: number }
        expect(retryAfterMs).toBeGreaterThan(3_500_000)
        expect(retryAfterMs).toBeLessThanOrEqual(3_600_000)
      })

      it.each([
        [200, '120'],
        [301, '120'],
        [400, '120'],
        [408, '120'],
        [410, '120'],
        [500, '120'],
        [503, 'soon'],
        [503, '-1'],
      ])('but not with %i and "%s"', async (status, value) => {
        const server = await start(retryAfter(status, value))
        expect(await sendTo(server.port)).not.toHaveProperty('retryAfterMs')
      })
    })
  }
}
