import type { Server } from 'node:http'
import { createServer } from 'node:net'
import getPort, { portNumbers } from 'get-port'

/** Fails early, and naming the variable that helps, instead of with a bare EADDRINUSE from deep inside a server. */
export async function requireFreePort(port: number, forWhat: string, variable: string): Promise<void> {
  // Some systems let a wildcard socket share its port with one bound to loopback, so both are tried.
  for (const host of ['127.0.0.1', undefined]) {
    const problem = await tryListening(port, host)
    if (problem === 'EADDRINUSE') {
      throw new Error(
        `port ${port} (${forWhat}) is already in use: stop the process that listens on it, or set ${variable} to another one`,
      )
    }
    if (problem) {
      throw new Error(
        `port ${port} (${forWhat}) can't be opened (${problem}): set ${variable} to another one`,
      )
    }
  }
}

/** The port asked for, when it is free, or any free one. */
export async function choosePort(
  wanted: number | undefined,
  forWhat: string,
  variable: string,
): Promise<number> {
  if (wanted === undefined) return freePort()
  await requireFreePort(wanted, forWhat, variable)
  return wanted
}

/**
 * A free port below the ranges that systems take from for outgoing connections, one of which could have it before the
 * server that it is meant for. It begins anywhere, so that several who look at once do not meet.
 */
export function freePort(): Promise<number> {
  const from = 10_000 + Math.floor(Math.random() * 20_000)
  return getPort({ host: '127.0.0.1', port: portNumbers(from, from + 500) })
}

/** The error code of the attempt, undefined when the port could be opened. */
function tryListening(port: number, host: string | undefined): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host }, () => server.close(() => resolve(undefined)))
  })
}

interface Listening {
  host: string
  port: number
  /** What listens, for the message if the port is in use. */
  name: string
  /** The environment variable that sets the port. */
  variable: string
}

/** Resolves once the server accepts connections. If its port is in use, the error says what to do. */
export function listen(server: Server, { host, port, name, variable }: Listening): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              `Port ${port} on ${host} (${name}) is already in use: stop the process that listens on it, or set ${variable} to another one`,
            )
          : error,
      ),
    )
    server.listen(port, host, resolve)
  })
}
