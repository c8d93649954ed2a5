import { createServer, type AddressInfo, type Socket } from 'node:net'

export interface RawServer {
  port: number
  connections: number
  /** When the first client has hung up. */
  hungUp: Promise<void>
  stop(): Promise<void>
}

/** A TCP server on loopback, for what no well-behaved server does. */
export async function startRawServer(
  onConnection: (socket: Socket) => void,
  { host = '127.0.0.1', port = 0 } = {},
): Promise<RawServer> {
  const sockets = new Set<Socket>()
  let hungUp: () => void = () => undefined
  const server = createServer((socket) => {
    raw.connections++
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => hungUp())
    socket.resume()
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  const raw: RawServer = {
    port: (server.address() as AddressInfo).port,
    connections: 0,
    hungUp: new Promise((resolve) => (hungUp = resolve)),
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return raw
}

/** A port on loopback where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = await startRawServer(() => undefined)
  await server.stop()
  return server.port
}
