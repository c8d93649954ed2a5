import type { AddressInfo } from 'node:net'
import type { ServerResponse } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { createApiServer } from '../../../src/api/http/server.ts'

it('refuses requests beyond the number that may be in progress, except those for its health', async () => {
  const open: ServerResponse[] = []
  const server = createApiServer(
    (request, response) => {
      if (request.url === '/slow') open.push(response)
      else response.end('ok')
    },
    undefined,
    { requests: 2 },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const get = (path: string) => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
  const started = () => new Promise((resolve) => server.once('request', resolve))
  const first = started()
  const slow = get('/slow')
  await first
  const second = started()
  const other = get('/slow')
  await second

  const refused = await get('/events')
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await refused.json()).toMatchObject({ code: 'overloaded' })
  expect((await get('/healthz')).status).toBe(200)

  open[0]?.end('done')
  expect(await Promise.race([slow, other]).then((response) => response.status)).toBe(200)
  expect((await get('/events')).status).toBe(200)
})
