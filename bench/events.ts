import { parseArgs } from 'node:util'
import { measureOpenLoop } from './open-loop.ts'
import { inFlight, openBench, report, startBenchReceiver } from './support.ts'

/**
 * `npm run bench`: one tenant, one webhook destination on loopback. Prints the time from posting an event to its webhook's
 * arrival with one event in flight, then the rate at which events are accepted and delivered with many in flight, then what
 * becomes of producers that post faster than events are delivered.
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:3000' },
    single: { type: 'string', default: '200' },
    events: { type: 'string', default: '2000' },
    inflight: { type: 'string', default: '50' },
    open: { type: 'string', default: '600' },
    producers: { type: 'string', default: '50' },
  },
})
const bench = await openBench(values.url)
const arrivals = new Map<string, (at: number) => void>()
const arrived = (id: string) => new Promise<number>((resolve) => arrivals.set(id, resolve))
const listeners: ((id: string) => void)[] = [(id) => arrivals.get(id)?.(performance.now())]
const receiver = await startBenchReceiver((id) => listeners.forEach((listener) => listener(id)))
await bench.subscribe(receiver.url)

let posted = 0
async function deliverOne(): Promise<{ acceptedMs: number; arrivedMs: number }> {
  const id = `bench-${bench.tenantId}-${posted++}`
  const arrival = arrived(id)
  const startedAt = performance.now()
  const data = {
    submissionId: id,
    matchType: 'sanctions',
    matchScore: 0.95,
    matchedName: 'John Doe',
    riskLevel: 'high',
  }
  await bench.post({ id, type: 'aml.match.found', data })
  const acceptedAt = performance.now()
  const arrivedAt = await arrival
  arrivals.delete(id)
  return { acceptedMs: acceptedAt - startedAt, arrivedMs: arrivedAt - startedAt }
}

await inFlight(50, 1, deliverOne)
const single = await inFlight(Number(values.single), 1, deliverOne)
report(
  `1 in flight, ${single.length} events, post → webhook arrival`,
  single.map(({ arrivedMs }) => arrivedMs),
)
report(
  `1 in flight, post → 202`,
  single.map(({ acceptedMs }) => acceptedMs),
)

const width = Number(values.inflight)
await inFlight(width * 2, width, deliverOne)
const startedAt = performance.now()
const many = await inFlight(Number(values.events), width, deliverOne)
const seconds = (performance.now() - startedAt) / 1000
console.log(
  `${width} in flight, ${many.length} events: ${(many.length / seconds).toFixed(0)} events/s delivered`,
)
report(
  `${width} in flight, post → webhook arrival`,
  many.map(({ arrivedMs }) => arrivedMs),
)

await measureOpenLoop({
  bench,
  events: Number(values.open),
  producers: Number(values.producers),
  onArrival: (listener) => void listeners.push(listener),
})
receiver.stop()
