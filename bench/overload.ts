import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readRss } from '../test/chaos/soak/sampling.ts'
import { createLauncher } from './all-in-one.ts'
import { inFlight, openBench, percentile, startBenchReceiver } from './support.ts'

/**
 * `npm run bench:overload`: how Switchyard behaves when it gets more events than it can deliver. Starts an instance, measures its
 * capacity (events per second with 50 in flight), then posts multiples of that rate for a minute each, in an open loop: every event
 * is posted once, at its time, whatever has become of those before it. Prints a row per load.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    factors: { type: 'string', default: '0.5,1,2,4' },
    capacity: { type: 'string' },
  },
})
const seconds = Number(values.seconds)
/** How long to wait for the last arrival of a load. */
const patienceMs = 120_000
const sampleEveryMs = 1_000

interface Posted {
  sentAt: number
  status?: number
  answeredAt?: number
  arrivals: number[]
}

const launcher = await createLauncher()
const { url, pid } = await launcher.start('overload')
const posted = new Map<string, Posted>()
const receiver = await startBenchReceiver((id) => posted.get(id)?.arrivals.push(performance.now()))
const bench = await openBench(url)
await bench.subscribe(receiver.url)

async function post(id: string): Promise<void> {
  const event: Posted = { sentAt: performance.now(), arrivals: [] }
  posted.set(id, event)
  const data = { submissionId: id, matchType: 'sanctions', matchScore: 0.95, riskLevel: 'high' }
  event.status = await bench.postOnce({ id, type: 'aml.match.found', data })
  event.answeredAt = performance.now()
}

async function measureCapacity(): Promise<number> {
  await inFlight(200, 50, (index) => bench.post({ id: `warm-${index}`, type: 'aml.match.found', data: {} }))
  const startedAt = performance.now()
  const events = 1_000
  await inFlight(events, 50, (index) => bench.post({ id: `at-${index}`, type: 'aml.match.found', data: {} }))
  return events / ((performance.now() - startedAt) / 1000)
}

const isAccepted = ({ status }: Posted) => status === 202

function countMissing(): number {
  return [...posted.values()].filter((event) => isAccepted(event) && event.arrivals.length === 0).length
}

async function offer(perSecond: number, name: string) {
  posted.clear()
  const rss: number[] = []
  const sampling = setInterval(() => void readRss(pid).then((mib) => rss.push(mib ?? NaN)), sampleEveryMs)
  const startedAt = performance.now()
  const posting: Promise<void>[] = []
  for (let index = 0; index < perSecond * seconds; index++) {
    const dueMs = startedAt + (index / perSecond) * 1000 - performance.now()
    if (dueMs > 0) await sleep(dueMs)
    posting.push(post(`${name}-${index}`))
  }
  await Promise.all(posting)
  const backlog = countMissing()
  const deadline = performance.now() + patienceMs
  while (countMissing() > 0 && performance.now() < deadline) await sleep(50)
  await sleep(2_000) // For a second arrival of what came last.
  clearInterval(sampling)
  return { all: [...posted.values()], backlog, rss: Math.max(...rss) }
}

const capacity = values.capacity === undefined ? await measureCapacity() : Number(values.capacity)
console.log(`capacity: ${capacity.toFixed(1)} events/s with 50 in flight\n`)
const columns = [
  ...['load', 'offered/s', 'accepted/s', 'refused 503', 'refused 429', 'failed', 'refusal p50 / p99'],
  ...['202 → arrival p50 / p99', 'backlog', 'missing', 'duplicates', 'RSS'],
]
console.log(`| ${columns.join(' | ')} |\n|${columns.map(() => ' ---: ').join('|')}|`)
for (const [index, factor] of values.factors.split(',').map(Number).entries()) {
  const { all, backlog, rss } = await offer(capacity * factor, `load-${index}`)
  const accepted = all.filter(isAccepted)
  const count = (status: number) => all.filter((event) => event.status === status).length
  const refusals = all.filter(({ status }) => status === 503 || status === 429)
  const refusalMs = refusals.map(({ sentAt, answeredAt = NaN }) => answeredAt - sentAt)
  const arrivalMs = accepted.flatMap(({ answeredAt = NaN, arrivals: [first] }) =>
    first === undefined ? [] : [Math.max(0, first - answeredAt)],
  )
  const both = (times: number[]) =>
    times.length === 0
      ? '–'
      : `${percentile(times, 0.5).toFixed(0)} / ${percentile(times, 0.99).toFixed(0)} ms`
  const row = [
    `${factor} ×`,
    (capacity * factor).toFixed(0),
    (accepted.length / seconds).toFixed(1),
    count(503),
    count(429),
    all.length - accepted.length - refusals.length,
    both(refusalMs),
    both(arrivalMs),
    backlog,
    countMissing(),
    all.reduce((sum, { arrivals }) => sum + Math.max(0, arrivals.length - 1), 0),
    `${rss.toFixed(0)} MiB`,
  ]
  console.log(`| ${row.join(' | ')} |`)
}
receiver.stop()
await launcher.stop()
