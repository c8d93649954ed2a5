import { createServer as createTlsServer } from 'node:https'
import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createEgress } from '../../src/egress/egress.ts'
import { webhook } from '../../src/channels/webhook.ts'
import { startRawServer } from '../support/servers/raw-server.ts'
import { startReceiver, testAuthority } from '../support/servers/receiver.ts'
import { untilTestEnds } from '../support/stack.ts'
import { send, type Sending } from '../channels/contract.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='

function deliver(port: number, more: Partial<Sending> = {}) {
  const config = { url: `http://127.0.0.1:${port}/hook` }
  return send({ channel: webhook, secret, config, ...more })
}

/** A server that acts on each request, once it has arrived as a whole. */
async function startServer(onRequest: (socket: Socket, count: number) => void) {
  let count = 0
  return untilTestEnds(
    await startRawServer((socket) => {
      let text = ''
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        const head = text.indexOf('\r\n\r\n')
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
        if (head < 0 || text.length < head + 4 + length) return
        text = ''
        onRequest(socket, ++count)
      })
    }),
  )
}

const answering = (response: string | Buffer) => startServer((socket) => void socket.write(response))
const lines = (...all: string[]) => all.join('\r\n')
const ok = lines('HTTP/1.1 200 OK', 'Content-Length: 2', '', 'ok')

describe('a response that is not by the letter counts by its status, and its connection is not used again:', () => {
  it.each<[what: string, response: string, excerpt?: string]>([
    ['LF alone', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['LF alone, without a body', 'HTTP/1.1 204 No Content\n\n', ''],
    [
      'a length before chunks',
      lines('HTTP/1.1 200 OK', 'Content-Length: 2', 'Transfer-Encoding: chunked', '', '2', 'ok', '0', '', ''),
    ],
    [
      'a length after chunks',
      lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Content-Length: 9', '', '2', 'ok', '0', '', ''),
    ],
    [
      'chunks without their line ends',
      lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '2', 'ok0', '', ''),
    ],
    ['a repeated length', lines('HTTP/1.1 200 OK', 'Content-Length: 2', 'Content-Length: 2', '', 'ok')],
    ['a length in a list', lines('HTTP/1.1 200 OK', 'Content-Length: 2, 2', '', 'ok')],
    ['two lengths', lines('HTTP/1.1 200 OK', 'Content-Length: 2', 'Content-Length: 3', '', 'ok')],
    ['a folded line', lines('HTTP/1.1 200 OK', 'X-Folded: a', '  b', 'Content-Length: 2', '', 'ok')],
    ['a space before a colon', lines('HTTP/1.1 200 OK', 'X-A : b', 'Content-Length: 2', '', 'ok')],
    ['a line without a colon', lines('HTTP/1.1 200 OK', 'nonsense', 'Content-Length: 2', '', 'ok')],
    ['a control character', lines('HTTP/1.1 200 OK', 'X-A: \u0001', 'Content-Length: 2', '', 'ok')],
    ['more than was announced', `${ok} and more`],
    ['an interim response that is not by the letter', `HTTP/1.1 100 Continue\n\n${ok}`],
  ])('%s', async (_what, response, excerpt = 'ok') => {
    const server = await answering(response)
    for (const connections of [1, 2]) {
      const outcome = await deliver(server.port)
      expect(outcome).toMatchObject({ kind: 'delivered', responseCode: 200 + (excerpt === '' ? 4 : 0) })
      expect(outcome.responseExcerpt).toContain(excerpt)
      expect(server.connections).toBe(connections)
    }
  })

  it('its Retry-After is heard', async () => {
    const twice = lines('Retry-After: 120', 'Content-Length: 2', 'Content-Length: 2', '', 'no')
    const server = await answering(`HTTP/1.1 503 Later\r\n${twice}`)
    expect(await deliver(server.port)).toMatchObject({ kind: 'failed', retryAfterMs: 120_000 })
  })
})

describe('a response that is by the letter leaves its connection open for the next request:', () => {
  it.each<[what: string, response: string | Buffer]>([
    ['a length', ok],
    ['chunks', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '2', 'ok', '0', '', '')],
    ['no reason', lines('HTTP/1.1 200', 'Content-Length: 2', '', 'ok')],
    ['headers in Latin-1', Buffer.from(ok.replace('\r\n\r\n', '\r\nX-Name: Zo\u00eb\r\n\r\n'), 'latin1')],
    ['20 KiB of headers', ok.replace('\r\n\r\n', `\r\nX-Big: ${'x'.repeat(20 * 1024)}\r\n\r\n`)],
    ['100 Continue, unsolicited', `HTTP/1.1 100 Continue\r\n\r\n${ok}`],
    ['several interim responses', `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n`.repeat(3) + ok],
  ])('%s', async (_what, response) => {
    const server = await answering(response)
    for (let n = 0; n < 2; n++)
      expect(await deliver(server.port)).toMatchObject({ kind: 'delivered', responseExcerpt: 'ok' })
    expect(server.connections).toBe(1)
  })
})

describe('once the status line has arrived, it decides, although then', () => {
  it.each<[what: string, act: (socket: Socket) => void]>([
    ['the headers break off', (socket) => socket.end('HTTP/1.1 202 Accepted\r\nX-')],
    [
      'the connection is reset within the headers',
      (socket) => socket.write('HTTP/1.1 202 Accepted\r\nX-', () => socket.resetAndDestroy()),
    ],
    [
      'the headers are too large',
      (socket) => socket.end(`HTTP/1.1 202 Accepted\r\nX-Big: ${'x'.repeat(100_000)}\r\n\r\n`),
    ],
    ['the headers never end', (socket) => socket.write('HTTP/1.1 202 Accepted\r\nX-')],
    ['the body never begins', (socket) => socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n')],
    ['the body never ends', (socket) => socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\no')],
    [
      'a chunk is none',
      (socket) => socket.end('HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nzz'),
    ],
  ])('%s', async (_what, act) => {
    const server = await startServer(act)
    // Longer than this test may take.
    const outcome = await deliver(server.port, { timeoutMs: 60_000 })
    expect(outcome).toMatchObject({ kind: 'delivered', responseCode: 202 })
    await server.hungUp
  })

  it('a protocol that nobody asked for is an answer like any other', async () => {
    const server = await answering(
      lines('HTTP/1.1 101 Switching Protocols', 'Upgrade: x', 'Connection: upgrade', '', ''),
    )
    expect(await deliver(server.port)).toMatchObject({
      kind: 'failed',
      responseCode: 101,
      errorClass: 'http',
    })
  })
})

describe('a connection that is kept', () => {
  it('and that the receiver closes at its next use costs no attempt: the request goes over a new one', async () => {
    const server = await startServer(
      (socket, count) => void (count === 2 ? socket.destroy() : socket.write(ok)),
    )
    for (let n = 0; n < 2; n++) expect(await deliver(server.port)).toMatchObject({ kind: 'delivered' })
    expect(server.connections).toBe(2)
  })

  it('is not replaced twice', async () => {
    const server = await startServer(
      (socket, count) => void (count === 1 ? socket.write(ok) : socket.destroy()),
    )
    await deliver(server.port)
    expect(await deliver(server.port)).toMatchObject({ kind: 'failed', errorClass: 'connection' })
    expect(server.connections).toBe(2)
  })

  it('is not replaced once a byte of an answer has arrived over it', async () => {
    const server = await startServer(
      (socket, count) => void (count === 2 ? socket.end('H') : socket.write(ok)),
    )
    await deliver(server.port)
    expect(await deliver(server.port)).toMatchObject({ kind: 'failed', errorClass: 'connection' })
    expect(server.connections).toBe(1)
  })

  it('is not replaced when the time is up', async () => {
    const server = await startServer((socket, count) => void (count === 1 && socket.write(ok)))
    await deliver(server.port)
    expect(await deliver(server.port, { timeoutMs: 300 })).toMatchObject({ errorClass: 'timeout' })
    expect(server.connections).toBe(1)
  })

  it('is closed when something arrives that nobody asked for', async () => {
    const server = await startServer((socket, count) => {
      socket.write(ok)
      if (count === 1) setTimeout(() => socket.write('HTTP/1.1 408 Request Timeout\r\n\r\n'), 50)
    })
    expect(await deliver(server.port)).toMatchObject({ kind: 'delivered' })
    await server.hungUp
    expect(await deliver(server.port)).toMatchObject({ kind: 'delivered' })
    expect(server.connections).toBe(2)
  })

  it('a new one that is closed without an answer is not tried again', async () => {
    const server = await startServer((socket) => void socket.destroy())
    expect(await deliver(server.port)).toMatchObject({ kind: 'failed', errorClass: 'connection' })
    expect(server.connections).toBe(1)
  })
})

describe('the log shows what a receiver wrote', () => {
  const text = 'Zoë: „nein“'
  const packed: [coding: string, body: Buffer][] = [
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['gzip, br', brotliCompressSync(gzipSync(text))],
    ['identity', Buffer.from(text)],
    ['gzip', Buffer.from(text)],
  ]
  it.each(packed)('packed as %s', async (coding, body) => {
    expect(await excerptOf(body, { 'content-encoding': coding })).toBe(text)
  })

  it('packed, and cut in the middle', async () => {
    const words = Array.from({ length: 30_000 }, (_, n) => `word ${(n * 7919) % 10_007}`).join(' ')
    const excerpt = await excerptOf(gzipSync(words), { 'content-encoding': 'gzip' })
    expect(excerpt).toBe(words.slice(0, 2048))
  })

  it.each<[type: string, bytes: Buffer, shown: string]>([
    ['text/plain; charset=iso-8859-1', Buffer.from('Zo\u00eb', 'latin1'), 'Zoë'],
    ['text/plain; charset="Shift_JIS"', Buffer.from([0x93, 0xfa, 0x96, 0x7b]), '日本'],
    ['text/plain; charset=utf-16le', Buffer.from('Zoë', 'utf16le'), 'Zoë'],
    ['text/plain', Buffer.from('\uFEFFZoë', 'utf16le'), 'Zoë'],
    ['text/plain', Buffer.from('\uFEFFZoë'), 'Zoë'],
    ['text/plain', Buffer.from('Zo\u00eb \u0093no\u0094', 'latin1'), 'Zoë “no”'],
    ['text/plain; charset=utf-8', Buffer.from('Zo\u00eb', 'latin1'), 'Zoë'],
    ['text/plain; charset=no-such', Buffer.from('Zoë'), 'Zoë'],
    ['text/plain; charset=utf-7', Buffer.from('Zoë'), 'Zoë'],
    ['', Buffer.from('Zoë'), 'Zoë'],
    ['', Buffer.from(`Zo${'ë'.repeat(2000)}`), `Zo${'ë'.repeat(1023)}`],
    ['', Buffer.from(`Zoe${'ë'.repeat(2000)}`), `Zoe${'ë'.repeat(1022)}`],
    ['text/plain; charset=iso-8859-1', Buffer.alloc(3000, 'ë', 'latin1'), 'ë'.repeat(1024)],
  ])('as %j (%#)', async (type, bytes, shown) => {
    expect(await excerptOf(bytes, { 'content-type': type })).toBe(shown)
  })

  async function excerptOf(body: Buffer, headers: Record<string, string>) {
    const receiver = untilTestEnds(
      await startReceiver((response) => void response.writeHead(422, headers).end(body)),
    )
    return (await deliver(receiver.port)).responseExcerpt
  }
})

describe('a receiver', () => {
  it('with a name that ends in a dot is asked for without it (RFC 6066 §3)', async () => {
    const names: unknown[] = []
    const file = (name: string) => readFileSync(new URL(`../support/servers/tls/${name}`, import.meta.url))
    const credentials = { key: file('localhost.key'), cert: file('localhost.crt') }
    const server = createTlsServer(credentials, (request, response) => {
      names.push((request.socket as Socket & { servername?: string }).servername)
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    untilTestEnds({ stop: () => new Promise((resolve) => server.close(resolve)) })
    const egress = createEgress({ allow: [], sandboxLoopback: true, extraAuthorities: testAuthority })
    const { port } = server.address() as AddressInfo
    const config = { url: `https://localhost.:${port}/hook` }
    const outcome = await send({ channel: webhook, secret, config, context: { egress } })
    await egress.close()
    expect(outcome).toMatchObject({ kind: 'delivered' })
    expect(names).toEqual(['localhost'])
  })

  it('is told that any answer will do, unless the tenant says which', async () => {
    const receiver = untilTestEnds(await startReceiver())
    await deliver(receiver.port)
    const config = { url: receiver.url, headers: { accept: 'application/json' } }
    await send({ channel: webhook, secret, config })
    expect(receiver.received.map(({ headers }) => headers.accept)).toEqual(['*/*', 'application/json'])
  })
})

describe('a name with two addresses is reached', () => {
  const lookUp = (...addresses: string[]) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    return createEgress({ allow: [], sandboxLoopback: true, lookUp: () => Promise.resolve(found) })
  }
  const reach = async (egress: ReturnType<typeof createEgress>, port: number) => {
    untilTestEnds({ stop: () => egress.close() })
    const config = { url: `http://two.example:${port}/hook` }
    return send({ channel: webhook, secret, config, context: { egress } })
  }

  it('by the second one where the first is dead', async () => {
    const receiver = untilTestEnds(await startReceiver())
    expect(await reach(lookUp('::1', '127.0.0.1'), receiver.port)).toMatchObject({ kind: 'delivered' })
  })

  it('by the second one where the first does not answer', async () => {
    const { port } = untilTestEnds(await startBusyServer())
    const receiver = untilTestEnds(
      await startRawServer((socket) => void socket.write(ok), { host: '127.0.0.3', port }),
    )
    expect(await reach(lookUp('127.0.0.2', '127.0.0.3'), port)).toMatchObject({ kind: 'delivered' })
    expect(receiver.connections).toBe(1)
  })

  it('by the first one, however slow, where the second is dead', async () => {
    const { port, wake } = untilTestEnds(await startBusyServer())
    const outcome = reach(lookUp('127.0.0.2', '127.0.0.3'), port)
    setTimeout(wake, 600)
    expect(await outcome).toMatchObject({ kind: 'delivered' })
  })

  /** A receiver at 127.0.0.2 that accepts no connection before it is woken: its queue is full, and its thread stands still. */
  async function startBusyServer() {
    const awake = new Int32Array(new SharedArrayBuffer(4))
    const worker = new Worker(busyServer, { eval: true, workerData: awake })
    const port = await new Promise<number>((resolve) => worker.once('message', resolve))
    for (let n = 0; n < queueLength; n++) {
      const waiting = connect(port, '127.0.0.2').on('error', () => undefined)
      await once(waiting, 'connect')
    }
    const wake = () => {
      Atomics.store(awake, 0, 1)
      Atomics.notify(awake, 0)
    }
    return {
      port,
      wake,
      async stop() {
        wake()
        await worker.terminate()
      },
    }
  }
})

/** The kernel lets one more wait than `backlog` says. */
const queueLength = 2

const busyServer = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { createServer } = require('node:net')
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n'))
  })
  server.listen({ port: 0, host: '127.0.0.2', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(workerData, 0, 0)
  })
`
