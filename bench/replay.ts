import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { migrate } from '../src/db/schema/migrate.ts'
import { freePort } from '../src/embedded/ports.ts'
import { startPostgres } from '../src/embedded/postgres/postgres.ts'
import { findTemporalBinary } from '../src/embedded/temporal/binary.ts'
import { startTemporal } from '../src/embedded/temporal/temporal.ts'
import { connectTemporal } from '../src/temporal/connect.ts'
import { prepareNamespace } from '../src/temporal/namespace.ts'
import { inFlight, openBench } from './support.ts'

/**
 * `npm run bench:replay`: brings up services, an API and a worker of its own. Many events fail, their receiver becomes well,
 * and one replay of them all is started, while the worker is killed (SIGKILL) at a third and at two thirds of the arrivals, and
 * started again. Prints what arrived, what did not, and what arrived more than once.
 */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '5000' },
    rate: { type: 'string', default: '100' },
    inflight: { type: 'string', default: '50' },
  },
})
const count = Number(values.events)
const failing = 'fails'

const folder = await mkdtemp(join(tmpdir(), 'switchyard-bench-'))
await chmod(folder, 0o755) // PostgreSQL runs as a user of its own when we are root.
const progress = () => undefined
const binary = await findTemporalBinary({
  path: process.env.PATH ?? '',
  cacheDir: process.env.CACHE_DIR ?? join(homedir(), '.cache', 'switchyard'),
  progress,
})
const namespace = 'default'
const [postgres, temporal] = await Promise.all([
  startPostgres({ dataDir: join(folder, 'postgres'), progress }),
  startTemporal({ binary, dbFile: join(folder, 'temporal.db'), headless: true, namespace, progress }),
])
await migrate(postgres.url)
const { client, connection } = await connectTemporal({ address: temporal.address, namespace, tls: false })
await prepareNamespace(client, { setRetention: false })
await connection.close()

const port = await freePort()
process.env.ADMIN_API_KEY = `sk_platform_${randomBytes(24).toString('hex')}`
const env = {
  PATH: process.env.PATH ?? '',
  PORT: String(port),
  LOG_LEVEL: 'error',
  DATABASE_URL: postgres.url,
  TEMPORAL_ADDRESS: temporal.address,
  SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  ADMIN_API_KEY: process.env.ADMIN_API_KEY,
  EGRESS_ALLOW: '127.0.0.0/8',
}

/** Starts a production root and waits until it says that it is ready. */
async function startRoot(script: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', script], {
    cwd: fileURLToPath(new URL('../', import.meta.url)),
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

let healthy = false
const arrivals = new Map<string, number>()
const receiver = createServer((request, response) => {
  const id = String(request.headers['webhook-id'])
  if (healthy) arrivals.set(id, (arrivals.get(id) ?? 0) + 1)
  const status = !healthy && id.startsWith(failing) ? 500 : 200
  request.resume().on('end', () => response.writeHead(status).end())
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))

const api = await startRoot('src/server.ts')
let worker = await startRoot('src/worker.ts')
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.once('exit', () => [api, worker].forEach((child) => child.kill('SIGKILL')))
const bench = await openBench(`http://127.0.0.1:${port}`)
const { id: destination } = await bench.call<{ id: string }>('/api/v1/destinations', {
  name: 'bench',
  channel: 'webhook',
  config: { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/` },
  subscription: { eventTypes: ['all'] },
  delivery: { schedule: ['0s'] },
})

// Mixes in as many events that succeed: a circuit opens where most attempts fail, and would hold events instead of failing them.
const ids = Array.from({ length: count }, (_, index) => `${failing}-${index}`)
const posted = ids.flatMap((id, index) => [`arrives-${index}`, id])
const from = new Date().toISOString()
await inFlight(posted.length, Number(values.inflight), (index) => {
  const id = posted[index]
  return bench.call('/api/v1/events', { id, type: 'aml.match.found', data: { index } })
})
async function untilFailed(): Promise<void> {
  for (;;) {
    const { failed } = await bench.call<{ failed: number }>(`/api/v1/destinations/${destination}/stats`)
    if (failed === count) return
    await sleep(500)
  }
}
await untilFailed()
console.log(`${count} events have failed, of ${posted.length}; replaying ${values.rate} a second`)

healthy = true
const startedAt = performance.now()
const asked = { from, destination, ratePerSecond: Number(values.rate) }
const { id } = await bench.call<{ id: string }>('/api/v1/replays', asked)
interface Shown {
  status: string
  found: number
  started: number
  skipped: number
  delivered: number
  failed: number
  pending: number
}
const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1)
for (const share of [1 / 3, 2 / 3]) {
  while (arrivals.size < count * share) await sleep(10)
  await end(worker, 'SIGKILL')
  console.log(`${seconds()} s: worker killed after ${arrivals.size} events had arrived`)
  worker = await startRoot('src/worker.ts')
}
let replay: Shown
do {
  await sleep(500)
  replay = await bench.call<Shown>(`/api/v1/replays/${id}`)
} while (replay.status === 'running' || replay.delivered + replay.failed < replay.started)

const total = [...arrivals.values()].reduce((sum, times) => sum + times, 0)
const missing = ids.filter((one) => !arrivals.has(one)).length
const { found, started, skipped, delivered, failed } = replay
console.log(
  `${seconds()} s: ${replay.status}, ${found} found, ${started} started, ${skipped} skipped, ${delivered} delivered, ${failed} failed`,
)
console.log(`${total} arrivals of ${count} events: ${missing} missing, ${total - arrivals.size} duplicates`)

await end(worker, 'SIGTERM')
await end(api, 'SIGTERM')
receiver.close()
receiver.closeAllConnections()
await Promise.all([temporal.stop(), postgres.stop()])
await rm(folder, { recursive: true, force: true })
