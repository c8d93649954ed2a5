import { readFileSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type TlsOptions } from 'node:tls'
import { createEgress } from '../../src/egress/egress.ts'
import type { ErrorClass } from '../../src/domain/delivery/outcome.ts'
import { testAuthority } from '../support/servers/receiver.ts'
import { closedPort, startRawServer } from '../support/servers/raw-server.ts'
import { untilTestEnds } from '../support/stack.ts'
import { type Sending } from './contract.ts'

/** One way to get no answer to a webhook: what the log says of it, and the real thing to send to. */
export interface NetworkFault {
  what: string
  errorClass: ErrorClass
  error: string | RegExp
  start: () => Promise<Target>
}

type Target = Pick<Sending, 'event' | 'timeoutMs' | 'context'> & {
  url: string
  /** How many connections were made, where there must be none. */
  connections?: () => number
}

const file = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const certificates = {
  'self-signed': file('../support/servers/tls/self-signed.crt'),
  expired: file('../support/servers/tls/expired.crt'),
  elsewhere: file('../support/servers/tls/elsewhere.crt'),
  localhost: file('../support/servers/tls/localhost.crt'),
}
const key = file('../support/servers/tls/localhost.key')

/** How a lost connection is told depends on what of it the system reports first. */
const closed = /^connection (reset|closed) by the receiver$/
const outOfTime = 'no response within 300 ms'
const notPublic = /address is not public/

export const networkFaults: NetworkFault[] = [
  fault('connection', 'nobody listens', 'connection refused', async () => ({
    url: `http://127.0.0.1:${await closedPort()}`,
  })),
  fault(
    'connection',
    'closed at once',
    closed,
    onConnection((socket) => socket.end()),
  ),
  fault(
    'connection',
    'closed without an answer',
    closed,
    onRequest((socket) => socket.end()),
  ),
  fault(
    'connection',
    'reset before the answer',
    closed,
    onRequest((socket) => socket.resetAndDestroy()),
  ),
  fault(
    'connection',
    'closed within the status line',
    closed,
    onRequest((socket) => socket.end('HTTP/1.1 200 O')),
  ),
  fault(
    'connection',
    'reset within the status line',
    closed,
    onRequest((socket) => socket.write('HTTP/1.1 200', () => socket.resetAndDestroy())),
  ),
  fault(
    'connection',
    'closed within the handshake',
    closed,
    onConnection((socket) => socket.end(), 'https'),
  ),

  fault('dns', 'no such host', /^DNS: /, () => Promise.resolve({ url: 'http://no-such-host.invalid/' })),

  fault('tls', 'a self-signed certificate', 'TLS: the certificate is self-signed', tls('self-signed')),
  fault('tls', 'an expired certificate', 'TLS: the certificate has expired', tls('expired')),
  fault(
    'tls',
    'a certificate for another host',
    'TLS: the certificate is for another host',
    tls('elsewhere'),
  ),
  fault(
    'tls',
    'a certificate of an unknown authority',
    'TLS: the certificate cannot be verified',
    tls('localhost', {}, certificates.elsewhere),
  ),
  fault(
    'tls',
    'no cipher in common',
    'TLS: the handshake failed',
    tls('localhost', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }),
  ),
  fault(
    'tls',
    'a client certificate is asked for',
    'TLS: the handshake failed',
    tls('localhost', { maxVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: true }),
  ),
  fault(
    'tls',
    'TLS is asked of a server that has none',
    'TLS: the handshake failed',
    onConnection((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'https'),
  ),

  fault(
    'protocol',
    'not HTTP',
    'the response is not valid HTTP',
    onRequest((socket) => socket.end('220 mail\r\n')),
  ),
  fault(
    'protocol',
    'a status that is none',
    'the response is not valid HTTP',
    onRequest((socket) => socket.end('HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok')),
  ),
  fault(
    'protocol',
    'a status line that is too large',
    'the response headers are too large',
    onRequest((socket) => socket.end(`HTTP/1.1 200 ${'x'.repeat(100_000)}`)),
  ),
  fault(
    'protocol',
    'an interim answer that is too large',
    'the response headers are too large',
    onRequest((socket) => socket.end(`HTTP/1.1 103 Hints\r\nX-Big: ${'x'.repeat(100_000)}\r\n\r\n`)),
  ),

  fault('timeout', 'a look-up that hangs', outOfTime, impatiently(lookUpForEver)),
  fault('timeout', 'a handshake that hangs', outOfTime, impatiently(onConnection(() => undefined, 'https'))),
  fault('timeout', 'no answer', outOfTime, impatiently(onRequest(() => undefined))),
  fault('timeout', 'a status line a little at a time', outOfTime, impatiently(onRequest(drip))),

  fault('blocked', 'a closed address', notPublic, blocked('127.0.0.1')),
  fault('blocked', 'a name that has a closed address', notPublic, blocked('localhost')),
]

function fault(errorClass: ErrorClass, what: string, error: string | RegExp, start: NetworkFault['start']) {
  return { what, errorClass, error, start }
}

/** A server that acts as soon as somebody connects. */
function onConnection(act: (socket: Socket) => unknown, scheme = 'http') {
  return async (): Promise<Target> => {
    const server = untilTestEnds(await startRawServer((socket) => void act(socket)))
    return { url: `${scheme}://127.0.0.1:${server.port}/hook` }
  }
}

/** A server that acts once it has got a request. */
function onRequest(act: (socket: Socket) => unknown) {
  return onConnection((socket) => socket.once('data', () => act(socket)))
}

function drip(socket: Socket): void {
  socket.write('HTTP/1.1 200 ')
  const more = setInterval(() => socket.write('.'), 20)
  socket.on('close', () => clearInterval(more))
}

/** Each production event may go to public addresses only. */
function blocked(host: string) {
  return async (): Promise<Target> => {
    const server = untilTestEnds(await startRawServer((socket) => void socket.end()))
    return {
      url: `http://${host}:${server.port}/hook`,
      event: { environment: 'production' },
      connections: () => server.connections,
    }
  }
}

/** An HTTPS server with one of the certificates. It trusts itself, and `authorities` is whom we trust. */
function tls(
  name: keyof typeof certificates,
  options: TlsOptions = {},
  authorities = [testAuthority, certificates.expired, certificates.elsewhere].join('\n'),
) {
  return async (): Promise<Target> => {
    const server = createServer({ key, cert: certificates[name], ...options }, (socket) => {
      socket.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    untilTestEnds({ stop: () => new Promise((resolve) => server.close(resolve)) })
    const egress = createEgress({ allow: [], sandboxLoopback: true, extraAuthorities: authorities })
    untilTestEnds({ stop: () => egress.close() })
    return { url: `https://localhost:${(server.address() as AddressInfo).port}/hook`, context: { egress } }
  }
}

/** A name server that never answers. */
function lookUpForEver(): Promise<Target> {
  const egress = createEgress({
    allow: [],
    sandboxLoopback: true,
    lookUp: () => new Promise(() => undefined),
  })
  return Promise.resolve({ url: 'http://slow-dns.example/hook', context: { egress } })
}

function impatiently(start: NetworkFault['start']): NetworkFault['start'] {
  return async () => ({ ...(await start()), timeoutMs: 300 })
}
