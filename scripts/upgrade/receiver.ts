import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Arrival {
  path: string
  id: string
  body: string
}

export interface UpgradeReceiver {
  url(path: string): string
  /** Requests that were answered with 200, in their order. */
  arrivals: Arrival[]
  /** Until then, paths that begin with `/down` are answered with 503. */
  recover(): void
  stop(): void
}

/** The receivers of a check: one server, one path for each destination. */
export async function startUpgradeReceiver(): Promise<UpgradeReceiver> {
  const arrivals: Arrival[] = []
  let recovered = false
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const path = request.url ?? ''
      if (path.startsWith('/down') && !recovered) return response.writeHead(503).end()
      arrivals.push({ path, id: String(request.headers['webhook-id']), body })
      return response.writeHead(200).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: (path) => `http://127.0.0.1:${port}${path}`,
    arrivals,
    recover: () => (recovered = true),
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}
