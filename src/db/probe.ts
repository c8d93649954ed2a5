import { Socket } from 'node:net'
import pg from 'pg'

export interface DatabaseProbe {
  /** Resolves if PostgreSQL answers a query. Once the signal is aborted, the connection is given up. */
  ask(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

interface Open {
  client: pg.Client
  socket: Socket
  connected: Promise<unknown>
}

/** Asks PostgreSQL on a connection of its own, which neither a pool that is in use nor a slow query delays. */
export function createDatabaseProbe(databaseUrl: string): DatabaseProbe {
  let open: Open | undefined

  function connect(): Open {
    const socket = new Socket()
    const client = new pg.Client({ connectionString: databaseUrl, stream: () => socket })
    const opened = { client, socket, connected: client.connect() }
    // A connection that breaks between two questions fails the next one, which then connects again.
    client.on('error', () => giveUp(opened))
    return opened
  }

  function giveUp(given: Open): void {
    if (open === given) open = undefined
    given.socket.destroy()
  }

  async function askOn(given: Open, signal: AbortSignal): Promise<void> {
    const abort = () => giveUp(given)
    signal.addEventListener('abort', abort)
    try {
      await given.connected
      await given.client.query('SELECT 1')
    } catch (error) {
      giveUp(given)
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  return {
    async ask(signal) {
      const kept = open
      const inVain =
        kept &&
        (await askOn(kept, signal).then(
          () => false,
          () => true,
        ))
      if (inVain === false) return
      signal.throwIfAborted()
      await askOn((open = connect()), signal)
    },
    async stop() {
      const last = open
      open = undefined
      await last?.client.end()
    },
  }
}
