import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openBench, startBenchReceiver, type Bench, percentile } from './support.ts'

/**
 * `npm run bench:hanging`: two tenants side by side in one run, each with three healthy destinations and events at a steady
 * rate; one of the two has a fourth destination that hangs for its whole timeout on every call. Prints the time from posting to
 * arrival at the healthy ones of both. They take turns, so that whatever else the machine does meets both alike.
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:3000' },
    rate: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '60' },
    timeout: { type: 'string', default: '10000' },
  },
})
const healthyDestinations = 3
const hanging = createServer(() => undefined)
await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve))
const hangingUrl = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}/`

interface Side {
  bench: Bench
  timesMs: number[]
  posted: number
}

async function openSide(name: string, hangs: boolean): Promise<Side> {
  const bench = await openBench(values.url)
  const side: Side = { bench, timesMs: [], posted: 0 }
  for (let number = 0; number < healthyDestinations; number++) {
    const receiver = await startBenchReceiver((id) => {
      const postedAt = startedAt.get(id)
      if (postedAt !== undefined) side.timesMs.push(performance.now() - postedAt)
    })
    stops.push(() => receiver.stop())
    await addDestination(bench, `${name} ${number}`, receiver.url, 10_000)
  }
  if (hangs) await addDestination(bench, `${name} that hangs`, hangingUrl, Number(values.timeout))
  return side
}

function addDestination(bench: Bench, name: string, url: string, timeoutMs: number) {
  const delivery = { timeoutMs, schedule: ['0s', '5s'] }
  const given = { name, channel: 'webhook', config: { url }, subscription: { eventTypes: ['all'] }, delivery }
  return bench.call('/api/v1/destinations', given)
}

const startedAt = new Map<string, number>()
const stops: (() => void)[] = []
const without = await openSide('without', false)
const beside = await openSide('beside', true)

async function post({ bench }: Side): Promise<void> {
  const id = `hanging-${bench.tenantId}-${startedAt.size}`
  startedAt.set(id, performance.now())
  await bench.call('/api/v1/events', { id, type: 'aml.match.found', data: { riskLevel: 'high' } })
}

const gapMs = 1000 / Number(values.rate)
const rounds = Number(values.seconds) * Number(values.rate)
const posts: Promise<void>[] = []
for (let round = 0; round < rounds; round++) {
  for (const side of round % 2 === 0 ? [without, beside] : [beside, without]) {
    side.posted++
    posts.push(post(side))
    await sleep(gapMs / 2)
  }
}
await Promise.all(posts)
const expected = rounds * healthyDestinations
for (let waited = 0; waited < 60 && beside.timesMs.length + without.timesMs.length < 2 * expected; waited++)
  await sleep(1000)

for (const [name, { timesMs, posted }] of Object.entries({ without, beside })) {
  const shown = [0.5, 0.95, 0.99].map(
    (share) => `p${share * 100} ${percentile(timesMs, share).toFixed(1)} ms`,
  )
  console.log(
    `${name} a destination that hangs: ${posted} events, ${timesMs.length} of ${expected} healthy deliveries: ${shown.join(', ')}`,
  )
}
console.log(
  `p99 beside / without: ${(percentile(beside.timesMs, 0.99) / percentile(without.timesMs, 0.99)).toFixed(2)}`,
)
for (const stop of stops) stop()
hanging.close()
hanging.closeAllConnections()
