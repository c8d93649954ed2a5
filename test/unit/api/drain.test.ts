import { Agent, request, type IncomingMessage, type RequestListener } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createDrain } from '../../../src/api/health/drain.ts'
import { createApiServer } from '../../../src/api/http/server.ts'

/** A server and a caller that keeps its connection. */
async function setUp(listener: RequestListener) {
  const drain = createDrain(listener)
  const server = createApiServer(drain.listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => {
    agent.destroy()
    server.closeAllConnections()
    server.close()
  })
  const get = async () => {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ port, agent }, resolve).once('error', reject).end()
    })
    let length = 0
    for await (const chunk of response) length += (chunk as Buffer).length
    return { connection: response.headers.connection, length }
  }
  return { port, get, close: (afterMs: number) => drain.close(server, afterMs) }
}

it('accepts requests while it drains, and asks their callers to connect elsewhere', async () => {
  const { get, close } = await setUp((_request, response) => void response.end('ok'))
  expect(await get()).toEqual({ connection: 'keep-alive', length: 2 })
  const closed = close(300)
  expect(await get()).toEqual({ connection: 'close', length: 2 })
  expect(await get()).toEqual({ connection: 'close', length: 2 })
  await closed
  await expect(get()).rejects.toThrow('ECONNREFUSED')
})

it('finishes the requests in progress, and then closes their connections', async () => {
  let answer = () => undefined as void
  let received = () => undefined as void
  const inProgress = new Promise<void>((resolve) => (received = resolve))
  const { get, close } = await setUp((_request, response) => {
    answer = () => void response.end('ok')
    received()
  })
  const getting = get()
  await inProgress
  const closed = close(0)
  answer()
  expect(await getting).toEqual({ connection: 'close', length: 2 })
  await closed
})

it('closes connections on which nothing is in progress', async () => {
  const { get, close } = await setUp((_request, response) => void response.end('ok'))
  await get()
  await close(0)
})

it('sends a response in full although its caller reads slowly', async () => {
  const size = 32 * 1024 * 1024
  const { port, close } = await setUp((_request, response) => void response.end(Buffer.alloc(size)))
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await new Promise((resolve) => socket.once('readable', resolve))
  const closed = close(0)
  let length = 0
  for await (const chunk of socket) length += (chunk as Buffer).length
  expect(length).toBeGreaterThan(size)
  await closed
})
