import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export interface Receiver {
  url: string
  port: number
  received: Received[]
  /** Changes how the next requests are answered. */
  answer(respond: Respond): void
  stop(): Promise<void>
}

export type Respond = (response: ServerResponse, request: Received, count: number) => void

export const ok: Respond = (response) => void response.writeHead(200).end('ok')

export const status =
  (code: number, headers: Record<string, string> = {}, body = ''): Respond =>
  (response) =>
    void response.writeHead(code, headers).end(body)

/** The first requests get these statuses, one each; later ones get 200. */
export const statuses =
  (...codes: number[]): Respond =>
  (response, _request, count) =>
    void response.writeHead(codes[count - 1] ?? 200).end()

/** Takes its time. */
export const after =
  (delayMs: number, code: number): Respond =>
  (response) =>
    void setTimeout(() => response.writeHead(code).end(), delayMs)

/** Takes the request and never answers. */
export const silence: Respond = () => undefined

const tlsFile = (name: string) => readFileSync(new URL(`./tls/${name}`, import.meta.url), 'utf8')

/** The authority that receivers' certificates come from (`tls/README.md`); a stack's egress trusts it. */
export const testAuthority = tlsFile('ca.crt')

/** A real HTTP server on loopback that keeps what it got; with `tls`, an HTTPS server at `localhost`. */
export async function startReceiver(respond: Respond = ok, { tls = false } = {}): Promise<Receiver> {
  const received: Received[] = []
  let current = respond
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const seen = {
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      }
      received.push(seen)
      current(response, seen, received.length)
    })
  }
  const server = tls
    ? createTlsServer({ key: tlsFile('localhost.key'), cert: tlsFile('localhost.crt') }, listener)
    : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: tls ? `https://localhost:${port}/hook` : `http://127.0.0.1:${port}/hook`,
    port,
    received,
    answer(next) {
      current = next
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
