import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { grantApplication } from '../../src/db/schema/grants.ts'
import { migrate } from '../../src/db/schema/migrate.ts'
import { freePort } from '../../src/embedded/ports.ts'
import { startPostgres } from '../../src/embedded/postgres/postgres.ts'
import { startTemporal } from '../../src/embedded/temporal/temporal.ts'
import { connectTemporal } from '../../src/temporal/connect.ts'
import type { PayloadKeys } from '../../src/temporal/payload-codec.ts'
import { prepareNamespace } from '../../src/temporal/namespace.ts'
import { nodes, type NodeName, type ProcessName } from './schedule.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const skewedClock = fileURLToPath(new URL('./skewed-clock.cjs', import.meta.url))

/** The wait before a process that could not start is started again, as a container's supervisor would. */
const restartAfterMs = 1_000

/** A process that can be killed and started again on the same data and ports. */
interface Supervised {
  /** SIGKILL. Resolves once it has ended. */
  kill(): Promise<void>
  /** Resolves once it is ready. `clockMs` is the error of its clock. */
  start(clockMs?: number): Promise<void>
  /** An orderly stop. */
  stop(): Promise<void>
  pid(): number
}

/** Two APIs and two workers as in production, with a PostgreSQL and a Temporal server of their own that store durably. */
export interface Topology {
  urls: string[]
  adminKey: string
  temporalAddress: string
  payloadKeys: PayloadKeys
  /** The product's database, and the file in which Temporal stores. */
  databaseUrl: string
  temporalFile: string
  /** Where each of our processes serves its metrics. */
  metricsUrls: Record<NodeName, string>
  processes: Record<ProcessName, Supervised>
  /** Processes of ours that ended although nobody ended them. */
  crashes: { process: string; at: number; why: string }[]
  /** Runs a command of ours with the environment of the processes. Rejects if it fails. */
  command(script: string, args: string[]): Promise<string>
  stop(): Promise<void>
}

export interface TopologyOptions {
  /** An empty folder, for the data and the logs. */
  folder: string
  temporalBinary: string
  smtpPort: number
  archiveFolder: string
  /** Variables of our processes besides those that every run has. */
  env?: Record<string, string>
}

export async function startTopology(options: TopologyOptions): Promise<Topology> {
  const { folder, temporalBinary } = options
  // PostgreSQL runs as a user of its own when we are root, and must be able to reach its data.
  await chmod(folder, 0o755)
  await Promise.all(['logs', 'temporal'].map((name) => mkdir(join(folder, name), { recursive: true })))
  const [postgresPort, temporalPort, ...nodePorts] = await freePorts(8)
  const [apiPorts, metricsPorts] = [nodePorts.slice(0, 2), nodePorts.slice(2)]
  const temporalFile = join(folder, 'temporal', 'temporal.db')
  const toFile = (name: string) => {
    const file = createWriteStream(join(folder, 'logs', `${name}.log`), { flags: 'a' })
    return (line: string) => void file.write(`${line}\n`)
  }

  const postgres = superviseService(() =>
    startPostgres({
      dataDir: join(folder, 'postgres'),
      port: postgresPort,
      progress: () => undefined,
      onLine: toFile('postgres'),
    }),
  )
  const temporal = superviseService(() =>
    startTemporal({
      binary: temporalBinary,
      headless: true,
      dbFile: temporalFile,
      port: temporalPort,
      namespace: 'default',
      progress: () => undefined,
      onLine: toFile('temporal'),
    }),
  )
  const [database, server] = await Promise.all([postgres.first(), temporal.first()])
  await migrate(database.url)
  await grantApplication(database.url, database.applicationUrl)
  const { connection, client } = await connectTemporal({
    address: server.address,
    namespace: 'default',
    tls: false,
  })
  await prepareNamespace(client, { setRetention: true })
  await connection.close()

  const adminKey = `sk_platform_${randomBytes(24).toString('hex')}`
  const payloadKey = { id: 'p1', key: randomBytes(32) }
  const env = {
    PATH: process.env.PATH ?? '',
    LOG_LEVEL: 'info',
    DATABASE_URL: database.applicationUrl,
    TEMPORAL_ADDRESS: server.address,
    SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    PAYLOAD_KEYS: `${payloadKey.id}:${payloadKey.key.toString('base64')}`,
    ADMIN_API_KEY: adminKey,
    EGRESS_ALLOW: '127.0.0.0/8',
    SMTP_URL: `smtp://127.0.0.1:${options.smtpPort}`,
    SMTP_TLS: 'optional',
    PUBLIC_URL: 'https://switchyard.test',
    ARCHIVE: options.archiveFolder,
    DRAIN_SECONDS: '0',
    ...options.env,
  }
  const crashes: Topology['crashes'] = []
  const supervised = Object.fromEntries(
    nodes.map((name, index) => {
      const script = name.startsWith('api') ? 'src/server.ts' : 'src/worker.ts'
      const ownEnv = {
        ...env,
        METRICS_PORT: String(metricsPorts[index]),
        ...(name.startsWith('api') && { PORT: String(apiPorts[index]) }),
      }
      const crashed = (why: string) => crashes.push({ process: name, at: Date.now(), why })
      return [name, superviseNode({ script, env: ownEnv, onLine: toFile(name), crashed })]
    }),
  ) as Record<NodeName, Supervised>
  await Promise.all(Object.values(supervised).map((node) => node.start()))

  return {
    urls: apiPorts.map((port) => `http://127.0.0.1:${port}`),
    adminKey,
    temporalAddress: server.address,
    payloadKeys: [payloadKey],
    databaseUrl: database.url,
    temporalFile,
    metricsUrls: Object.fromEntries(
      nodes.map((name, index) => [name, `http://127.0.0.1:${metricsPorts[index]}/metrics`]),
    ) as Record<NodeName, string>,
    processes: { ...supervised, postgres, temporal },
    crashes,
    command: (script, args) => runCommand(script, args, env),
    async stop() {
      await Promise.all(Object.values(supervised).map((node) => node.stop()))
      await Promise.all([postgres.stop(), temporal.stop()])
    },
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = await freePort()
    if (!ports.includes(port)) ports.push(port)
  }
  return ports
}

interface Service {
  pid: number
  stop(): Promise<void>
}

function superviseService<Running extends Service>(start: () => Promise<Running>) {
  let running: Running | undefined
  const first = async () => (running ??= await start())
  return {
    first,
    pid: () => running?.pid ?? 0,
    async kill() {
      if (!running) return
      process.kill(running.pid, 'SIGKILL')
      // Waits for its end: there is nothing left to stop.
      await running.stop()
      running = undefined
    },
    async start() {
      for (;;) {
        try {
          await first()
          return
        } catch (error) {
          console.error(`  could not start yet: ${(error as Error).message.split('\n')[0]}`)
          await sleep(restartAfterMs)
        }
      }
    },
    async stop() {
      await running?.stop()
      running = undefined
    },
  }
}

interface NodeOptions {
  script: string
  env: Record<string, string>
  onLine: (line: string) => void
  crashed: (why: string) => void
}

/** Runs one of our roots. One that ends by itself is started again; only its failure to start is no crash. */
function superviseNode({ script, env, onLine, crashed }: NodeOptions): Supervised {
  let child: ChildProcess | undefined
  let wanted = false
  let clock = 0
  process.on('exit', () => child?.kill('SIGKILL'))

  function launch(): Promise<boolean> {
    const skew = clock === 0 ? {} : { CLOCK_SKEW_MS: String(clock), NODE_OPTIONS: `--require=${skewedClock}` }
    const started = spawn(process.execPath, ['--import', 'tsx', script], {
      cwd: root,
      env: { ...env, ...skew },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    return new Promise((resolve) => {
      let ready = false
      for (const input of [started.stdout, started.stderr]) {
        createInterface({ input }).on('line', (line) => {
          onLine(line)
          if (!line.startsWith('ready')) return
          ready = true
          resolve(true)
        })
      }
      started.once('exit', (code, signal) => {
        onLine(`exited with ${signal ?? code}`)
        resolve(false)
        if (!ready || !wanted || child !== started) return
        crashed(`exited with ${signal ?? code}`)
        void sleep(restartAfterMs).then(launchUntilReady)
      })
    })
  }

  async function launchUntilReady(): Promise<void> {
    while (wanted && !(await launch())) await sleep(restartAfterMs)
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    wanted = false
    const ending = child
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const exited = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill(signal)
    await exited
  }

  return {
    pid: () => child?.pid ?? 0,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async start(clockMs = 0) {
      clock = clockMs
      wanted = true
      await launchUntilReady()
    },
  }
}

function runCommand(script: string, args: string[], env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${script} exited with ${code}:\n${output}`)),
    )
  })
}
