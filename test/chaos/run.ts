import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { openClient, type Client } from './client.ts'
import { createInjector, openArchive, type ChaosArchive } from './faults.ts'
import { drawUp, type Ledger } from './ledger.ts'
import { applyLoad, type AcceptedEvent } from './load.ts'
import { findTimedOutTasks } from './histories.ts'
import { checkLogs } from './logs.ts'
import { brokenReceiver, judge } from './model.ts'
import { startReceivers, type Receivers } from './receivers.ts'
import { ackWithinMs, drawEvents, makeScenario, type Destinations } from './scenario.ts'
import { describeFault, drawSchedule, type ProcessName } from './schedule.ts'
import { startTopology, type Topology } from './topology.ts'

export interface ChaosOptions {
  seed: number
  events: number
  kills: number
  receiverFaults: number
  spared?: readonly ProcessName[]
  ratePerSecond: number
  /** An empty folder for data and logs. */
  folder: string
  temporalBinary: string
  /** How long to wait for arrivals after the load and the last fault. */
  patienceMs: number
  say: (line: string) => void
  /** Called with the pieces while the load runs. */
  observe?: (topology: Topology) => void
}

/** Runs the load and the faults, and compares what arrived with what should have. */
export async function runChaos(options: ChaosOptions): Promise<Ledger> {
  const { seed, events: count, say, folder } = options
  const schedule = drawSchedule(options)
  say(`seed ${seed}: ${count} events, ${schedule.length} faults`)
  for (const fault of schedule) say(`  after ${fault.afterEvents} events: ${describeFault(fault)}`)

  const receivers = await startReceivers()
  const archive = await openArchive(join(folder, 'archive'), () => void rollUp().catch(() => undefined))
  const rollUp = () => topology.command('src/cli/roll-up.ts', [new Date().toISOString().slice(0, 10)])
  const topology = await startTopology({
    ...options,
    smtpPort: receivers.smtpPort,
    archiveFolder: archive.folder,
  })
  try {
    const client = await makeTenant(topology)
    const destinations = await makeScenario(client, receivers)
    options.observe?.(topology)
    const startedAt = new Date()
    const injector = createInjector({ topology, receivers, archive, schedule, say })

    const events = drawEvents(seed, count)
    const { ratePerSecond } = options
    const progress = reportProgress(receivers, say)
    const load = await applyLoad({
      client,
      receivers,
      destinations,
      events,
      ratePerSecond,
      onAccepted(accepted) {
        progress.accepted(accepted)
        injector.accepted(accepted)
      },
    })
    say('the load is over')
    await injector.done()
    await untilSettled(load.accepted, receivers, options)
    say('settled')
    progress.stop()
    const bulkReplay = await replayFailed({
      client,
      receivers,
      destinations,
      events: load.accepted,
      startedAt,
      options,
    })
    const verdict = judge(load.accepted, receivers.arrivals)
    say('comparing the logs')
    const logs = await checkLogs(client, load.accepted, receivers.arrivals, destinations)
    const repeated = new Set(verdict.duplicates.map(({ arrival }) => arrival.eventId))
    const timedOutTasks = await findTimedOutTasks(topology, repeated)
    await rollUp()
    const archived = archive.mounted ? await countArchived(archive) : undefined
    return drawUp({
      load,
      arrivals: receivers.arrivals,
      verdict,
      faults: injector.records,
      logs,
      timedOutTasks,
      crashes: topology.crashes,
      bulkReplay,
      archived,
      limits: { latenessMs: 120_000 },
    })
  } finally {
    await topology.stop()
    archive.unmount()
    await receivers.stop()
  }
}

async function makeTenant(topology: Topology): Promise<Client> {
  return openClient(topology.urls, await makeTenantKey(topology))
}

/** Creates a tenant that no limit slows down. Returns a key of its sandbox. */
export async function makeTenantKey({ urls, adminKey }: Topology): Promise<string> {
  const platform = openClient(urls, adminKey)
  const limits = { apiPerMinute: 100_000, apiBurst: 100_000, ingestPerSecond: 10_000 }
  const tenant = { name: 'Chaos', limits, emailConsent: 'vouched' }
  const { id } = await platform.call<{ id: string }>('POST', '/tenants', tenant)
  const { key } = await platform.call<{ key: string }>('POST', `/tenants/${id}/keys`, {
    environment: 'sandbox',
  })
  return key
}

const reportEveryMs = 10_000

function reportProgress(receivers: Receivers, say: (line: string) => void) {
  let accepted = 0
  const timer = setInterval(
    () => say(`accepted ${accepted}, arrivals ${receivers.arrivals.length}`),
    reportEveryMs,
  )
  return {
    accepted: (count: number) => (accepted = count),
    stop: () => clearInterval(timer),
  }
}

/** How long nothing may arrive once everything expected has: a duplicate or an escalation that should not be would come by then. */
const quietMs = 5_000

async function untilSettled(
  events: AcceptedEvent[],
  receivers: Receivers,
  { patienceMs, say }: ChaosOptions,
): Promise<void> {
  const deadline = Date.now() + patienceMs
  const lastDueAt = Math.max(...events.map(({ acceptedAt }) => acceptedAt)) + ackWithinMs + quietMs
  let saidAt = 0
  for (;;) {
    await sleep(500)
    const { lost, digests } = judge(events, receivers.arrivals)
    const missing = [...lost.map(({ eventId, receiver }) => `${eventId} at ${receiver}`), ...digests.missing]
    const lastArrival = receivers.arrivals.at(-1)?.at ?? 0
    const now = Date.now()
    if (missing.length === 0 && now > lastDueAt && now - lastArrival > quietMs) return
    if (now > deadline) return
    if (now - saidAt < reportEveryMs) continue
    saidAt = now
    say(`waiting for ${missing.length} arrivals: ${missing.slice(0, 3).join(', ')}`)
  }
}

interface ReplayOptions {
  client: Client
  receivers: Receivers
  destinations: Destinations
  events: AcceptedEvent[]
  startedAt: Date
  options: ChaosOptions
}

/** Repairs the receiver that has answered nothing but errors, and replays what has failed there. */
async function replayFailed({ client, receivers, destinations, events, startedAt, options }: ReplayOptions) {
  const failed = events.filter(({ kind }) => kind === 'fallback').map(({ id }) => id)
  receivers.misbehave(brokenReceiver, undefined)
  const destination = destinations[brokenReceiver]
  await client.call('POST', `/destinations/${destination}/resume`)
  const filter = { from: startedAt.toISOString(), destination, status: 'failed', ratePerSecond: 50 }
  const { id } = await client.call<{ id: string }>('POST', '/replays', filter)
  const arrivedAt = (eventId: string) =>
    receivers.arrivals.some(
      (arrival) => arrival.receiver === brokenReceiver && arrival.eventId === eventId && arrival.accepted,
    )
  const deadline = Date.now() + options.patienceMs
  for (;;) {
    await sleep(500)
    const { status } = await client.call<{ status: string }>('GET', `/replays/${id}`)
    const delivered = failed.filter(arrivedAt).length
    // The replay has ended once the last event was started, and before it has arrived.
    if ((status !== 'running' && delivered === failed.length) || Date.now() > deadline)
      return { failed: failed.length, delivered }
  }
}

async function countArchived({ folder }: ChaosArchive): Promise<{ events: number; repeated: number }> {
  const ids: string[] = []
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.jsonl')) continue
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) })) {
      const { event, replayId } = JSON.parse(line) as { event: { id: string }; replayId?: string }
      if (replayId === undefined && event.id.startsWith('chaos-')) ids.push(event.id)
    }
  }
  const events = new Set(ids).size
  return { events, repeated: ids.length - events }
}
