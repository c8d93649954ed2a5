import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { migrateDatabase } from '../src/database.ts'
import { freePort } from '../src/embedded/ports.ts'
import { startPostgres } from '../src/embedded/postgres/postgres.ts'
import { findTemporalBinary } from '../src/embedded/temporal/binary.ts'
import { startTemporal } from '../src/embedded/temporal/temporal.ts'
import { connectTemporal } from '../src/temporal/connect.ts'
import { prepareNamespace } from '../src/temporal/namespace.ts'
import { checkOut, root } from './upgrade/checkout.ts'
import { endAll, startRoot, type Running } from './upgrade/programs.ts'
import { startUpgradeReceiver, type UpgradeReceiver } from './upgrade/receiver.ts'
import {
  compare,
  makeCaller,
  makeSettings,
  postEach,
  type Caller,
  type Ledger,
  type Log,
} from './upgrade/tenant.ts'

/**
 * `npm run upgrade:check -- --from <ref>`: upgrades from another version of the source to this one, in two ways.
 *
 * 1. A data folder of the old version, with deliveries, rules and digests that wait, is opened by the new one.
 * 2. Both versions' APIs and workers share PostgreSQL and Temporal under load, while workers of either version are stopped, killed
 *    and started, so that each version continues the other one's workflows.
 *
 * Prints a ledger of each. Exits with 1 if something is missing, out of order or stuck.
 */
const { values } = parseArgs({
  options: { from: { type: 'string' }, seconds: { type: 'string', default: '60' } },
})
const usage = 'usage: npm run upgrade:check -- --from <ref> [--seconds 60]'
if (!values.from) throw new Error(usage)

const withinMs = 300_000
const progress = (line: string) => console.error(`  ${line}`)
const folder = await mkdtemp(join(tmpdir(), 'switchyard-upgrade-'))
await chmod(folder, 0o755) // PostgreSQL runs as a user of its own when we are root.
const binary = await findTemporalBinary({
  path: process.env.PATH ?? '',
  cacheDir: process.env.CACHE_DIR ?? join(homedir(), '.cache', 'switchyard'),
  progress,
})
const adminKey = `sk_platform_${randomBytes(24).toString('hex')}`
const shared = {
  PATH: `${dirname(binary)}:${process.env.PATH ?? ''}`,
  HOME: folder,
  ADMIN_API_KEY: adminKey,
  LOG_LEVEL: 'warn',
}

try {
  const old = await checkOut(values.from, join(folder, 'old'))
  const opened = await openDataFolder(old)
  const together = await runSideBySide(old, Number(values.seconds) * 1000)
  process.exitCode = opened && together ? 0 : 1
} finally {
  await endAll()
  await rm(folder, { recursive: true, force: true })
}

async function openDataFolder(old: string): Promise<boolean> {
  const [PORT, TEMPORAL_PORT, TEMPORAL_UI_PORT] = [await freePort(), await freePort(), await freePort()].map(
    String,
  )
  const env = { ...shared, DATA_DIR: join(folder, 'data'), PORT, TEMPORAL_PORT, TEMPORAL_UI_PORT } as Record<
    string,
    string
  >
  const before = await startRoot(old, 'main', env)
  const base = before.ready.api ?? ''
  const receiver = await startUpgradeReceiver()
  const caller = await makeCaller(base, adminKey)
  await makeSettings(caller, base, receiver, { escalate: '45s', delay: '45s', digest: '45s' })
  const ids: string[] = []
  for (let round = 1; round <= 10; round++) ids.push(...(await postEach(caller, base, round)))
  await until(() => compare(ids, receiver).missing.every((what) => !/ \/(plain|first)$/.test(what)))
  progress(
    `${values.from} has ${compare(ids, receiver).missing.length} arrivals to go; opening its data folder`,
  )
  await before.end()

  const after = await startRoot(root, 'main', env)
  receiver.recover()
  const ended = await untilEnded({ caller, base, ids, receiver })
  await after.end()
  receiver.stop()
  return report('The data folder', { ids, receiver, ended, programs: [before, after] })
}

async function runSideBySide(old: string, lastsMs: number): Promise<boolean> {
  const services = await startServices()
  const ports = { old: String(await freePort()), new: String(await freePort()) }
  const env = (port: string) => ({ ...shared, ...services.env, PORT: port })
  const starts = {
    old: () => startRoot(old, 'worker', env(ports.old)),
    new: () => startRoot(root, 'worker', env(ports.new)),
  }
  const apis = [
    await startRoot(old, 'server', env(ports.old)),
    await startRoot(root, 'server', env(ports.new)),
  ]
  const programs = [...apis]
  const workers = { old: await starts.old(), new: await starts.new() }
  programs.push(workers.old, workers.new)
  const bases = [ports.old, ports.new].map((port) => `http://127.0.0.1:${port}`)
  const [base = ''] = bases
  const receiver = await startUpgradeReceiver()
  const caller = await makeCaller(base, adminKey)
  await makeSettings(caller, base, receiver, { escalate: '8s', delay: '8s', digest: '8s' })

  const endsAt = Date.now() + lastsMs
  const ids: string[] = []
  const posting = (async () => {
    for (let round = 1; Date.now() < endsAt; round++) {
      ids.push(...(await postEach(caller, bases[round % 2] ?? base, round)))
      if (Date.now() > endsAt - lastsMs / 2) receiver.recover()
    }
  })()
  const swapping = (async () => {
    for (let turn = 0; Date.now() < endsAt; turn++) {
      await sleep(4_000)
      const version = turn % 2 === 0 ? 'old' : 'new'
      await workers[version].end(turn % 4 < 2 ? 'SIGTERM' : 'SIGKILL')
      programs.push((workers[version] = await starts[version]()))
    }
  })()
  await Promise.all([posting, swapping])
  receiver.recover()
  // The old version goes, as at the end of a rolling upgrade: the new one ends what it has begun.
  await Promise.all([workers.old.end(), apis[0]?.end()])
  const ended = await untilEnded({ caller, base: bases[1] ?? base, ids, receiver })
  await Promise.all([workers.new.end(), apis[1]?.end()])
  await services.stop()
  receiver.stop()
  return report('Side by side', { ids, receiver, ended, programs })
}

async function startServices() {
  const [postgres, temporal] = await Promise.all([
    startPostgres({ dataDir: join(folder, 'shared', 'postgres'), progress }),
    startTemporal({
      binary,
      dbFile: join(folder, 'shared', 'temporal.db'),
      headless: true,
      namespace: 'default',
      progress,
    }),
  ])
  await migrateDatabase(postgres.applicationUrl, postgres.url)
  const { client, connection } = await connectTemporal({
    address: temporal.address,
    namespace: 'default',
    tls: false,
  })
  await prepareNamespace(client, { setRetention: false })
  await connection.close()
  return {
    env: {
      DATABASE_URL: postgres.applicationUrl,
      TEMPORAL_ADDRESS: temporal.address,
      SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      EGRESS_ALLOW: '127.0.0.0/8',
      MAX_BACKLOG_SECONDS: '600',
    },
    stop: () => Promise.all([temporal.stop(), postgres.stop()]),
  }
}

interface Check {
  ids: readonly string[]
  receiver: UpgradeReceiver
}

/** Waits until everything has arrived and every event has ended. Returns the ids of the events that have not in time. */
async function untilEnded({
  caller,
  base,
  ids,
  receiver,
}: Check & { caller: Caller; base: string }): Promise<string[]> {
  await until(() => compare(ids, receiver).missing.length === 0)
  const open: string[] = []
  const deadline = Date.now() + withinMs
  for (const id of ids) {
    for (;;) {
      const { status, stuck } = await caller.send<Log>(base, `/events/${id}`)
      if (status !== 'pending') break
      if (Date.now() > deadline) {
        open.push(stuck ? `${id} (stuck)` : id)
        break
      }
      await sleep(200)
    }
  }
  return open
}

async function until(isDone: () => boolean): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!isDone() && Date.now() < deadline) await sleep(200)
}

function report(
  what: string,
  { ids, receiver, ended: open, programs }: Check & { ended: string[]; programs: Running[] },
): boolean {
  const ledger: Ledger = compare(ids, receiver)
  const faults = programs.flatMap(({ faults }) => faults)
  console.log(`${what}: ${ids.length} events accepted, ${ledger.expected} arrivals expected`)
  const lists = {
    missing: ledger.missing,
    'out of order': ledger.disordered,
    open,
    faults,
    repeated: ledger.repeated,
  }
  for (const [name, list] of Object.entries(lists)) {
    console.log(`  ${name}: ${list.length}`)
    for (const line of list.slice(0, 10)) console.log(`    ${line}`)
  }
  return [ledger.missing, ledger.disordered, open, faults].every((list) => list.length === 0)
}
