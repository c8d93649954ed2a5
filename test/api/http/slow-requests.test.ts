import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createApiServer, serverLimits } from '../../../src/api/http/server.ts'

/** A server of the API's kind in front of something that answers, and how often that was asked. */
async function serve(limits: Partial<Record<keyof typeof serverLimits, number>> = {}) {
  let asked = 0
  const server = createApiServer(
    (request, response) => {
      asked++
      request.resume()
      request.on('end', () => response.end(`hello ${request.headers.host}`))
      request.on('error', () => undefined)
    },
    { ...serverLimits, ...limits },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => stop(server))
  return { port: (server.address() as AddressInfo).port, asked: () => asked, server }
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

/** What comes back until the server hangs up; `drip` is sent again and again meanwhile. */
async function exchange(port: number, text: string, drip?: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  socket.on('error', () => undefined)
  socket.write(text)
  const dripping = drip === undefined ? undefined : setInterval(() => socket.write(drip), 20)
  await once(socket, 'close')
  clearInterval(dripping)
  return answer
}

function problemIn(answer: string) {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  expect(head).toContain('Content-Type: application/problem+json')
  expect(head).toContain('Connection: close')
  const problem = JSON.parse(body) as { code: string; status: number }
  expect(Number(head.split(' ')[1])).toBe(problem.status)
  return problem
}

const quick = { headersTimeout: 200, requestTimeout: 300, connectionsCheckingInterval: 50 }

describe('a request that never ends', () => {
  it('with a header a moment is given up, and never asked of the API', async () => {
    const { port, asked } = await serve(quick)
    const answer = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n', 'X-A: b\r\n')
    expect(problemIn(answer)).toMatchObject({ status: 408, code: 'request_timeout' })
    expect(asked()).toBe(0)
  })

  it('with a byte of its body a moment is given up', async () => {
    const { port } = await serve(quick)
    const answer = await exchange(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n', ' ')
    expect(problemIn(answer)).toMatchObject({ status: 408, code: 'request_timeout' })
  })

  it('is bounded by default, too', async () => {
    const { server } = await serve()
    const { headersTimeout, requestTimeout, timeout, maxHeadersCount, maxRequestsPerSocket } = server
    expect({ headersTimeout, requestTimeout, timeout, maxHeadersCount, maxRequestsPerSocket }).toEqual({
      headersTimeout: 15_000,
      requestTimeout: 60_000,
      timeout: 120_000,
      maxHeadersCount: 0,
      maxRequestsPerSocket: 10_000,
    })
  })
})

describe('what is no HTTP', () => {
  it.each([
    ['another protocol', 'EHLO mail.example\r\n\r\n', 400, 'bad_request'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n', 400, 'bad_request'],
    ['a line break in a header', 'GET / HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\n\r\n', 400, 'bad_request'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400, 'bad_request'],
    ['a length and chunks', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, 'bad_request'],
    ['a space before a colon', 'GET / HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n', 400, 'bad_request'],
    ['a path of 20,000 characters', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431, 'headers_too_large'],
    ['headers of 20,000 characters', `GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['101 headers', `GET / HTTP/1.1\r\nHost: a\r\n${'X-A: b\r\n'.repeat(100)}\r\n`, 431, 'headers_too_large'],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n', 400, 'bad_request'],
    ['HTTP/0.9', 'GET / HTTP/0.9\r\nHost: a\r\n\r\n', 400, 'bad_request'],
  ])('%s is refused as a problem, and its connection is closed', async (_what, text, status, code) => {
    const { port, asked } = await serve()
    const answer = await exchange(port, text)
    expect(problemIn(answer)).toMatchObject({ status, code })
    expect(answer).not.toContain('nonsense')
    expect(asked()).toBe(0)
  }) // prettier-ignore

  it('an expectation that is not known does not keep the request from its answer', async () => {
    const { port } = await serve()
    const answer = await exchange(
      port,
      'GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nConnection: close\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1.1 200 /)
  })

  it('a request without a host is refused', async () => {
    const { port, asked } = await serve()
    expect(await exchange(port, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
    expect(asked()).toBe(0)
  })
})
