import type { RequestListener, Server, ServerResponse } from 'node:http'
import { Server as TcpServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Ends an HTTP server without failing a request. */
export interface Drain {
  /** Handles requests as the given listener does. The server must be created with it. */
  listener: RequestListener
  /**
   * Goes on accepting connections and requests for this time, so that a load balancer can notice that the process is about to stop.
   * Every response asks its caller to open a new connection elsewhere. Resolves once the last request is answered.
   */
  close(server: Server, afterMs: number): Promise<void>
}

export function createDrain(listener: RequestListener): Drain {
  const inProgress = new Set<ServerResponse>()
  let closing = false

  return {
    listener(request, response) {
      if (closing) response.setHeader('Connection', 'close')
      inProgress.add(response)
      response.once('close', () => inProgress.delete(response))
      listener(request, response)
    },
    async close(server, afterMs) {
      closing = true
      for (const response of inProgress) if (!response.headersSent) response.setHeader('Connection', 'close')
      await sleep(afterMs)
      // Not the HTTP server's own `close`: that one also destroys connections whose last response is not yet sent in full, and no
      // longer ends requests that do not arrive in time.
      const closed = new Promise((resolve) => TcpServer.prototype.close.call(server, resolve))
      while (inProgress.size > 0) await Promise.all([...inProgress].map(untilClosed))
      server.closeIdleConnections()
      await closed
    },
  }
}

function untilClosed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once('close', resolve))
}
