import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
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

/** Takes the request and never answers. */
export const silence: Respond = () => undefined

/** A real HTTP server on loopback that keeps what it got. */
export async function startReceiver(respond: Respond = ok): Promise<Receiver> {
  const received: Received[] = []
  let current = respond
  const server = createServer((request, response) => {
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
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook`,
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
