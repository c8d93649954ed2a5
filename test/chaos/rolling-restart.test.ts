import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { connectTemporal } from '../../src/temporal/connect.ts'
import { startBalancer, type Balancer } from './balancer.ts'
import { openClient } from './client.ts'
import { startReceivers, type Receivers } from './receivers.ts'
import { makeTenantKey } from './run.ts'
import { temporalBinary } from './temporal-binary.ts'
import { startTopology, type Topology } from './topology.ts'

const ratePerSecond = 5
/** Longer than the balancer takes to notice on a busy machine. */
const drainSeconds = 3

it(
  'two APIs and two workers, restarted one after the other under load: no request fails, and each event arrives once by its first attempt',
  { timeout: 420_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchyard-rolling-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const receivers = await startReceivers()
    onTestFinished(() => receivers.stop())
    const topology = await startTopology({
      folder,
      temporalBinary: await temporalBinary(() => undefined),
      smtpPort: receivers.smtpPort,
      archiveFolder: join(folder, 'archive'),
      // A busy machine has a backlog, which is no fault of the restarts.
      env: { DRAIN_SECONDS: String(drainSeconds), MAX_BACKLOG_SECONDS: '120' },
    })
    onTestFinished(() => topology.stop())
    const key = await makeTenantKey(topology)
    await makeDestinations(topology, receivers, key)
    const balancer = startBalancer(topology.urls)
    onTestFinished(() => balancer.stop())

    const load = startLoad(balancer, key)
    onTestFinished(() => void load.stop())
    await restartEach(topology, balancer)
    const { sent, failures } = await load.stop()
    const pending = await untilNonePending(topology)
    const attempts = await untilLogged(folder, sent.length)

    expect(failures).toEqual([])
    expect(pending).toBe(0)
    expect(countById(receivers.arrivals.map(({ eventId }) => eventId))).toEqual(onceEach(sent))
    expect(attempts.filter(({ attempt, outcome }) => attempt !== 1 || outcome !== 'delivered')).toEqual([])
    expect(countById(attempts.map(({ eventId }) => eventId))).toEqual(onceEach(sent))
    expect(topology.crashes).toEqual([])
  },
)

/** `slow` answers after a workflow task has stopped waiting for it, so that its attempts outlive their tasks. */
async function makeDestinations(topology: Topology, receivers: Receivers, key: string): Promise<void> {
  receivers.misbehave('slow', 'slow')
  const client = openClient(topology.urls, key)
  for (const name of ['prompt', 'slow']) {
    const config = { url: receivers.url(name) }
    const subscription = { eventTypes: [`rolling.${name}`] }
    await client.call('POST', '/destinations', { name, channel: 'webhook', config, subscription })
  }
}

/** The workers go first: a task that one of them lost would be repeated after ten seconds, while the load still runs. */
async function restartEach({ processes, urls }: Topology, balancer: Balancer): Promise<void> {
  await sleep(2_000)
  for (const name of ['worker-1', 'worker-2', 'api-1', 'api-2'] as const) {
    await processes[name].stop()
    await processes[name].start()
    const url = urls[['api-1', 'api-2'].indexOf(name)]
    if (url !== undefined) await balancer.untilIn(url)
  }
  await sleep(2_000)
}

/** Posts events at a fixed rate, whatever becomes of the earlier ones. Nothing is sent again. */
function startLoad(balancer: Balancer, key: string) {
  const sent: string[] = []
  const failures: string[] = []
  const outstanding: Promise<void>[] = []
  let isOver = false

  async function post(id: string, type: string): Promise<void> {
    const url = balancer.next()
    const startedAt = Date.now()
    const answer = await fetch(`${url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id, type, data: { reference: id } }),
    }).then(
      async (response) => (response.ok ? undefined : `${response.status} ${await response.text()}`),
      (error: Error) => `${error.message}: ${String(error.cause)}`,
    )
    if (answer !== undefined) failures.push(`${id} at ${url}, after ${Date.now() - startedAt} ms: ${answer}`)
  }

  async function run(): Promise<void> {
    const startedAt = performance.now()
    for (let index = 0; !isOver; index++) {
      const dueMs = (index / ratePerSecond) * 1000 - (performance.now() - startedAt)
      if (dueMs > 0) await sleep(dueMs)
      const id = `rolling-${index}`
      sent.push(id)
      outstanding.push(post(id, index % 3 === 0 ? 'rolling.slow' : 'rolling.prompt'))
    }
  }

  const running = run()
  return {
    async stop() {
      isOver = true
      await running
      await Promise.all(outstanding)
      return { sent, failures }
    },
  }
}

const patienceMs = 120_000

/** Returns how many events are still pending in the end. An event whose attempt's result was not reported would be. */
async function untilNonePending({ temporalAddress: address, payloadKeys }: Topology): Promise<number> {
  const settings = { address, namespace: 'default', tls: false, payloadKeys }
  const { connection, client } = await connectTemporal(settings)
  const deadline = Date.now() + patienceMs
  try {
    for (;;) {
      const { count } = await client.workflow.count(`ExecutionStatus = 'Running'`)
      if (count === 0 || Date.now() > deadline) return count
      await sleep(250)
    }
  } finally {
    await connection.close()
  }
}

/** Returns the attempts that the workers have logged, once there are this many. */
async function untilLogged(folder: string, count: number): Promise<LoggedAttempt[]> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const attempts = await readAttempts(folder)
    if (attempts.length >= count || Date.now() > deadline) return attempts
    await sleep(250)
  }
}

interface LoggedAttempt {
  eventId: string
  attempt: number
  outcome: string
}

async function readAttempts(folder: string): Promise<LoggedAttempt[]> {
  const logs = ['worker-1', 'worker-2'].map((name) => readFile(join(folder, 'logs', `${name}.log`), 'utf8'))
  const lines = (await Promise.all(logs)).join('\n').split('\n')
  return lines
    .filter((line) => line.endsWith('"event":"delivery.attempted"}'))
    .map((line) => JSON.parse(line) as LoggedAttempt)
}

function countById(ids: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1
  return counts
}

function onceEach(ids: string[]): Record<string, number> {
  return Object.fromEntries(ids.map((id) => [id, 1]))
}
