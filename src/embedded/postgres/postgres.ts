import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { type Child, startChild } from '../child-process.ts'
import { withRealParent } from '../leftover.ts'
import { choosePort } from '../ports.ts'
import { ensureCluster, SUPERUSER } from './cluster.ts'
import { stopLeftoverPostgres } from './leftover.ts'
import { chooseSetup, findCluster, type PostgresSetup } from './setup.ts'

/** Recovery after a crash may replay a lot before the server answers. */
const READY_WITHIN_MS = 120_000
const DATABASE = 'switchyard'
const APPLICATION_ROLE = 'switchyard_app'

export interface PostgresOptions {
  dataDir: string
  /** Absent: a free one. */
  port?: number
  /** False in tests: a power cut may lose data, in return everything is faster. */
  durable?: boolean
  progress: (line: string) => void
  /** Receives each line that the server prints. */
  onLine?: (line: string) => void
}

export interface RunningPostgres {
  /** As the superuser, who owns everything. */
  url: string
  /** The same database as the application's role, which the migration creates and grants its privileges. */
  applicationUrl: string
  pid: number
  /** The actual data folder, which may differ from the requested one when running as root. */
  dataDir: string
  /** Creates a database, unless it exists, and returns its url. */
  createDatabase: (name: string) => Promise<string>
  /** Calls back when the server exits unexpectedly. */
  onExit: (callback: (why: string) => void) => void
  stop: () => Promise<void>
}

/** Brings up the PostgreSQL that npm installed, on loopback only. One caller at a time for a data folder: lock it first. */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const { durable = true, progress, onLine } = options
  const wanted = withRealParent(options.dataDir)
  const place = await chooseSetup(wanted, progress)
  await stopLeftoverPostgres(place.dataDir, progress)
  const port = await choosePort(options.port, 'PostgreSQL', 'POSTGRES_PORT')
  const password = await ensureCluster(place, `${wanted}.password`, durable)
  const child = await startServer(place, port, { durable, onLine })
  const urlOf = (database: string) => superuserUrl({ port, password }, database)
  const createDatabase = async (name: string) => {
    await createUnlessExists(urlOf('postgres'), name)
    return urlOf(name)
  }
  try {
    const url = await createDatabase(DATABASE)
    return {
      url,
      applicationUrl: applicationUrl(port, password),
      pid: child.pid,
      dataDir: place.dataDir,
      createDatabase,
      onExit: child.onExit,
      stop: child.stop,
    }
  } catch (error) {
    await child.stop()
    throw error
  }
}

/** The URL of a server's superuser. */
export function superuserUrl(
  { port, password }: { port: number | string; password: string },
  database: string,
): string {
  return `postgresql://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`
}

function applicationUrl(port: number | string, password: string): string {
  // Derived from the superuser's password, which it does not reveal, so that nothing more has to be stored.
  const own = createHmac('sha256', password).update(APPLICATION_ROLE).digest('hex')
  return `postgresql://${APPLICATION_ROLE}:${own}@127.0.0.1:${port}/${DATABASE}`
}

/** The server that another process runs on this data. */
export interface FoundPostgres {
  /** The actual data folder: see `RunningPostgres`. */
  cluster: string
  port: string
  password: string
}

/** Returns `undefined` if no server has been started on this data, or if it was stopped. */
export function findRunningPostgres(dataDir: string): FoundPostgres | undefined {
  const wanted = withRealParent(dataDir)
  const cluster = findCluster(wanted)
  try {
    // Its fourth line is the port. Source: PostgreSQL's src/include/utils/pidfile.h.
    const [, , , port = ''] = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')
    return { cluster, port: port.trim(), password: readFileSync(`${wanted}.password`, 'utf8').trim() }
  } catch {
    return undefined
  }
}

/** The application role's URL of the server that another process runs on this data; `undefined` if there is none. */
export function findRunningUrl(dataDir: string): string | undefined {
  const running = findRunningPostgres(dataDir)
  return running && applicationUrl(running.port, running.password)
}

async function startServer(
  place: PostgresSetup,
  port: number,
  { durable, onLine }: Pick<PostgresOptions, 'onLine'> & { durable: boolean },
): Promise<Child> {
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    ...(durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
  ]
  const args = ['-D', place.dataDir, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
  let reportReady = () => {}
  const ready = new Promise<undefined>((resolve) => (reportReady = () => resolve(undefined)))
  const child = await startChild(place.binaries.postgres, args, {
    ...place.account,
    cwd: place.dataDir,
    env: { LC_ALL: 'C' },
    // Fast shutdown: open transactions are rolled back, data is written. While exiting: immediate, safe as well.
    stopSignal: 'SIGINT',
    exitSignal: 'SIGQUIT',
    onLine: (line) => {
      if (line.includes('ready to accept connections')) reportReady()
      onLine?.(line)
    },
  })
  const limit = AbortSignal.timeout(READY_WITHIN_MS)
  const late = new Promise<string>((resolve) => {
    limit.addEventListener('abort', () => resolve(`was not ready after ${READY_WITHIN_MS / 1000} s`))
  })
  const problem = await Promise.race([ready, child.exited, late])
  if (problem === undefined) return child
  await child.stop()
  throw new Error(
    `PostgreSQL ${problem} while starting on ${place.dataDir} (port ${port}). Its last output:\n${child.lastLines()}\n` +
      'Free that port or repair that folder (or move it away to start with an empty database), or set DATABASE_URL',
  )
}

async function createUnlessExists(adminUrl: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
}
