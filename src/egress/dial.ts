import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls'

export interface ResolvedAddress {
  address: string
  family: number
}

/** How long a connection attempt has before the next address is tried beside it (RFC 8305 §8). */
const attemptDelayMs = 250

/** A name may have any number of addresses, and each of them costs its owner one packet of ours. */
const maxAddresses = 8

/**
 * Connects to whichever address accepts first (Happy Eyeballs, RFC 8305). A slow attempt goes on while the next address is tried:
 * Node's `autoSelectFamily` gives it up instead, and fails when the last address is dead.
 */
export function dial(
  addresses: readonly ResolvedAddress[],
  port: number,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted()
  const waiting = alternateFamilies(addresses).slice(0, maxAddresses)
  const connecting = new Set<Socket>()
  return new Promise((resolve, reject) => {
    let delay: NodeJS.Timeout | undefined
    let firstError: Error | undefined
    const onAbort = () => finish(() => reject(signal.reason as Error))

    function finish(settle: () => void): void {
      clearTimeout(delay)
      signal.removeEventListener('abort', onAbort)
      waiting.length = 0
      settle()
      for (const socket of connecting) socket.destroy()
    }

    function tryNext(): void {
      clearTimeout(delay)
      const next = waiting.shift()
      if (!next) return
      const socket = connect({ host: next.address, port, noDelay: true })
      connecting.add(socket)
      socket.once('connect', () => {
        connecting.delete(socket)
        finish(() => resolve(socket))
      })
      // It stays: an error before the socket has another listener must not end the process.
      socket.on('error', (error) => {
        if (connecting.delete(socket)) onFailure(error)
      })
      delay = setTimeout(tryNext, attemptDelayMs)
    }

    function onFailure(error: Error): void {
      firstError ??= error
      if (waiting.length > 0) tryNext()
      else if (connecting.size === 0) finish(() => reject(firstError ?? error))
    }

    signal.addEventListener('abort', onAbort, { once: true })
    tryNext()
  })
}

/** The preferred family first, then one of the other, and so on (RFC 8305 §4). */
function alternateFamilies(addresses: readonly ResolvedAddress[]): ResolvedAddress[] {
  const preferred = addresses.filter(({ family }) => family === addresses[0]?.family)
  const others = addresses.filter(({ family }) => family !== addresses[0]?.family)
  return Array.from({ length: Math.max(preferred.length, others.length) }, (_, n) =>
    [preferred[n], others[n]].filter((address) => address !== undefined),
  ).flat()
}

export interface TlsOptions {
  /** The certificate has to be for this name or address. */
  host: string
  secureContext: SecureContext
  /** The TLS session of an earlier connection to the same host, for a shorter handshake. */
  session?: Buffer
  alpn?: string[]
}

/** TLS over a connection. A name is sent as SNI without its final dot (RFC 6066 §3): `host` is in canonical form. */
export function startTls(
  socket: Socket,
  { host, secureContext, session, alpn }: TlsOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connectTls({
      socket,
      host,
      secureContext,
      ...(!isIP(host) && { servername: host }),
      ...(session && { session }),
      ...(alpn && { ALPNProtocols: alpn }),
    })
    const onAbort = () => secured.destroy(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    secured.once('secureConnect', () => {
      signal.removeEventListener('abort', onAbort)
      resolve(secured)
    })
    // It stays, as above.
    secured.on('error', reject)
    secured.once('close', () => signal.removeEventListener('abort', onAbort))
  })
}
