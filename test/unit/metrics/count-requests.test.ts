import { request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler } from 'express'
import { expect, it, onTestFinished, vi } from 'vitest'
import { atBase, countRequests } from '../../../src/api/http/count-requests.ts'

/** An API with a few routes. Returns its URL and the requests that it has counted, as `method route status`. */
async function startApi() {
  const counted: string[] = []
  const app = express()
  app.use(
    countRequests({
      countRequest({ method, route, status, durationSeconds }) {
        expect(durationSeconds).toBeGreaterThan(0)
        counted.push(`${method} ${route} ${status}`)
      },
    }),
  )
  app.get('/healthz', (_request, response) => void response.end())
  app.get(/^\/docs\/(.*)/, (_request, response) => void response.end())
  const router = express.Router()
  router.get('/events/:id', (_request, response) => void response.end())
  router.post('/events', () => {
    throw new Error('not accepted')
  })
  router.get('/slow', () => undefined)
  app.use('/api/v1', atBase('/api/v1'), router)
  const pages = express.Router()
  pages.get('/session', (_request, response) => void response.end())
  app.use('/codec', pages)
  const fail: ErrorRequestHandler = (_error, _request, response, _next) => void response.status(503).end()
  app.use(fail)
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const isCounted = (...expected: string[]) => vi.waitFor(() => expect(counted).toEqual(expected))
  return { url, isCounted }
}

it.each([
  ['GET', '/healthz', 'GET /healthz 200'],
  ['GET', '/api/v1/events/evt-1?x=secret', 'GET /api/v1/events/:id 200'],
  ['HEAD', '/api/v1/events/evt-1', 'HEAD /api/v1/events/:id 200'],
  ['GET', '/API/v1/EVENTS/evt-1', 'GET /api/v1/events/:id 200'],
  ['GET', '/Codec/session', 'GET /codec/session 200'],
  ['POST', '/api/v1/events', 'POST /api/v1/events 503'],
  ['GET', '/docs/page.css', 'GET other 200'],
  ['GET', '/api/v1/no-such-thing', 'GET other 404'],
  ['GET', '/wp-login.php', 'GET other 404'],
  ['PROPFIND', '/api/v1/events/evt-1', 'other other 404'],
])('%s %s is counted as %s', async (method, path, expected) => {
  const { url, isCounted } = await startApi()
  await fetch(`${url}${path}`, { method })
  await isCounted(expected)
})

it('a request whose caller has left is counted as aborted', async () => {
  const { url, isCounted } = await startApi()
  const request = send(`${url}/api/v1/slow`).on('error', () => undefined)
  request.end()
  await new Promise((resolve) => request.once('finish', resolve))
  const socket = request.socket
  // The request is complete at the server once a second one on another connection has been answered.
  await fetch(`${url}/healthz`)
  socket?.destroy()
  await isCounted('GET /healthz 200', 'GET /api/v1/slow aborted')
})
