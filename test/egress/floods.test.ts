import type { Socket } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createEgress } from '../../src/egress/egress.ts'
import { email } from '../../src/channels/email/email.ts'
import { webhook } from '../../src/channels/webhook.ts'
import { maxExcerptBytes } from '../../src/domain/delivery/outcome.ts'
import { startRawServer } from '../support/servers/raw-server.ts'
import { startReceiver } from '../support/servers/receiver.ts'
import { startSmtpReceiver } from '../support/servers/smtp-receiver.ts'
import { serviceChannels, serviceConfig } from '../support/channel-configs.ts'
import { untilTestEnds } from '../support/stack.ts'
import { send } from '../channels/contract.ts'

/** Far more than the buffers of two sockets hold, and far less than comes when nobody stops it. */
const mostBytes = 32 * 1024 * 1024
const timeoutMs = 500

/** Says `beginning`, and then `more` again and again, as fast as it is taken. */
async function flood(beginning: string, more: string) {
  const chunk = Buffer.from(more.repeat(Math.ceil(65_536 / more.length)))
  let taken = 0
  const server = untilTestEnds(
    await startRawServer((socket) => {
      socket.write(beginning)
      pour(socket)
    }),
  )
  function pour(socket: Socket): void {
    socket.write(chunk, (error) => {
      if (error) return
      taken += chunk.length
      setImmediate(pour, socket)
    })
  }
  return { port: server.port, hungUp: server.hungUp, taken: () => taken }
}

const ok = 'HTTP/1.1 200 OK\r\n'
const late = { kind: 'failed', errorClass: 'timeout', error: `no response within ${timeoutMs} ms` }
const tooLarge = { kind: 'failed', errorClass: 'protocol', error: 'the response headers are too large' }

const notSmtp = { kind: 'failed', errorClass: 'protocol', error: 'the response is not valid SMTP' }

const delivered = { kind: 'delivered' }
/** Slack answers with "ok" and nothing else, Teams with 202. */
const notOk = { kind: 'failed', errorClass: 'protocol' }

const overHttp = [
  ['webhook', webhook, (port: number) => ({ url: `http://127.0.0.1:${port}/` }), delivered],
  ...serviceChannels.map(
    (channel) =>
      [
        channel.name,
        channel,
        (port: number) => serviceConfig(channel, `http://127.0.0.1:${port}/`).config,
        notOk,
      ] as const,
  ),
] as const

describe.each(overHttp)('%s hangs up on a receiver that never ends', (_name, channel, config, taken) => {
  it.each<[what: string, beginning: string, more: string, outcome: object]>([
    ['a body', `${ok}\r\n`, 'body ', taken],
    ['a body in chunks', `${ok}Transfer-Encoding: chunked\r\n\r\n`, '5\r\nbody \r\n', taken],
    ['headers', ok, 'X-More: 1\r\n', taken],
    ['one header', `${ok}X-Long: `, 'x', taken],
    ['a reason', 'HTTP/1.1 200 ', 'O', tooLarge],
  ])('%s: it has read no more than it wants', async (_what, beginning, more, outcome) => {
    const server = await flood(beginning, more)
    const made = await send({ channel, config: config(server.port), timeoutMs: 20_000 })
    expect(made).toMatchObject(outcome)
    expect(Buffer.byteLength(made.responseExcerpt ?? '')).toBeLessThanOrEqual(maxExcerptBytes)
    await server.hungUp
    expect(server.taken()).toBeLessThan(mostBytes)
  })

  it.each<[what: string, beginning: string, more: string, outcome: object]>([
    ['answers that are none yet', '', 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n', late],
    ['the size of a chunk', `${ok}Transfer-Encoding: chunked\r\n\r\n5;`, 'x', taken],
  ])('%s: its time is up', async (_what, beginning, more, outcome) => {
    const server = await flood(beginning, more)
    expect(await send({ channel, config: config(server.port), timeoutMs })).toMatchObject(outcome)
    await server.hungUp
  })

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('a bomb packed by %s is unpacked no further than the log needs', async (coding, pack) => {
    const bomb = pack(Buffer.alloc(64 * 1024 * 1024, 'A'))
    const headers = { 'content-encoding': coding, 'content-type': 'text/plain' }
    const server = untilTestEnds(
      await startReceiver((response) => void response.writeHead(500, headers).end(bomb)),
    )
    const { responseExcerpt } = await send({ channel, config: config(server.port) })
    expect(responseExcerpt).toBe('A'.repeat(maxExcerptBytes))
  })
})

describe('email hangs up on a server that never ends', () => {
  const config = (port: number) => ({
    to: ['a@example.com'],
    from: 'b@example.com',
    smtpUrl: `smtp://me:secret@127.0.0.1:${port}`,
  })

  it.each<[what: string, beginning: string, more: string, outcome: object]>([
    ['its greeting', '220 ', 'x', notSmtp],
    ['a line that is none', '', 'x', notSmtp],
    ['a reply of many lines', '', '220-mail.example.com\r\n', notSmtp],
    ['replies that are no answers', '220 mail.example.com\r\n', '199 wait\r\n', { kind: 'failed' }],
    // It says yes before it is asked, and whether it means that is its own affair.
    ['consent to everything', '220 mail.example.com\r\n', '250 yes\r\n', { kind: 'delivered' }],
  ])('%s: it has read no more than it wants', async (_what, beginning, more, outcome) => {
    const server = await flood(beginning, more)
    const made = await send({ channel: email, config: config(server.port), timeoutMs: 20_000 })
    expect(made).toMatchObject(outcome)
    await server.hungUp
    expect(server.taken()).toBeLessThan(mostBytes)
  })

  it('and tells no tenant’s server the name of this machine', async () => {
    const greetings: string[] = []
    const server = untilTestEnds(
      await startRawServer((socket) => {
        socket.write('220 mail.example.com\r\n')
        socket.on('data', (chunk) => {
          greetings.push(chunk.toString())
          socket.end('421 later\r\n')
        })
      }),
    )
    await send({ channel: email, config: config(server.port) })
    expect(greetings).toEqual(['EHLO [127.0.0.1]\r\n'])
  })
})

describe('a proxy that the environment names', () => {
  const variables = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']

  it('is not gone through: it would look up names for itself', async () => {
    const proxy = untilTestEnds(await startRawServer((socket) => void socket.destroy()))
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    for (const name of variables) vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`)
    onTestFinished(() => void vi.unstubAllEnvs())
    const egress = createEgress({ allow: [], sandboxLoopback: true })
    untilTestEnds({ stop: () => egress.close() })
    const receiver = untilTestEnds(await startReceiver())
    const mails = untilTestEnds(await startSmtpReceiver())
    const context = { egress }
    for (const [, channel, config] of overHttp)
      expect(await send({ channel, config: config(receiver.port), context })).toMatchObject({
        responseCode: 200,
      })
    expect(receiver.received).toHaveLength(overHttp.length)
    const smtpUrl = `smtp://127.0.0.1:${mails.port}`
    const config = { to: ['a@example.com'], from: 'b@example.com', smtpUrl }
    expect(await send({ channel: email, config, context })).toMatchObject({ kind: 'delivered' })
    expect(proxy.connections).toBe(0)
  })
})
