import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { choosePort, requireFreePort } from '../../src/embedded/ports.ts'

test.each(['127.0.0.1', '0.0.0.0', '::'])('a port in use on %s is named with what to do', async (host) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, host, resolve))
  onTestFinished(() => void other.close())
  const { port } = other.address() as AddressInfo
  await expect(requireFreePort(port, 'API', 'PORT')).rejects.toThrow(
    `port ${port} (API) is already in use: stop the process that listens on it, or set PORT to another one`,
  )
})

test('a free port is accepted and stays free', async () => {
  const port = await choosePort(undefined, 'API', 'PORT')
  await requireFreePort(port, 'API', 'PORT')
  expect(await choosePort(port, 'API', 'PORT')).toBe(port)
})
