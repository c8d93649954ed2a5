import { createServer, type RequestListener, type Server } from 'node:http'
import type { Log } from '../log.ts'
import type { Exposition } from './exposition.ts'

/** Serves `/metrics` and nothing else. It asks for no key: only monitoring may reach its port. */
export function createMetricsServer(exposition: Exposition, log: Log): Server {
  const listener: RequestListener = (request, response) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (!isRead || request.url?.split('?')[0] !== '/metrics') return void response.writeHead(404).end()
    exposition.render().then(
      (text) => response.writeHead(200, { 'Content-Type': exposition.registry.contentType }).end(text),
      (err: unknown) => {
        log.error({ err }, 'metrics.failed')
        response.writeHead(500).end()
      },
    )
  }
  return createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, listener)
}
