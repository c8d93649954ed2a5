import { parseArgs } from 'node:util'
import { inFlight, openBench, startBenchReceiver } from './support.ts'

/**
 * `npm run bench:pace`: posts more events to a rate-limited destination than it takes at once. Prints how many arrived, at which
 * rate, whether in order, and how far each was from its scheduled time.
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:3000' },
    events: { type: 'string', default: '300' },
    rate: { type: 'string', default: '10' },
  },
})
const count = Number(values.events)
const rate = Number(values.rate)
const bench = await openBench(values.url)
const arrivals: { id: string; at: number }[] = []
let finish = () => {}
const all = new Promise<void>((resolve) => (finish = resolve))
const receiver = await startBenchReceiver((id) => {
  arrivals.push({ id, at: performance.now() })
  if (new Set(arrivals.map((arrival) => arrival.id)).size === count) finish()
})
await bench.call('/api/v1/destinations', {
  name: 'paced',
  channel: 'webhook',
  config: { url: receiver.url },
  subscription: { eventTypes: ['all'] },
  delivery: { maxPerSecond: rate },
})
const ids = Array.from({ length: count }, (_, index) => `paced-${index}`)
const startedAt = performance.now()
await inFlight(count, 1, (index) =>
  bench.call('/api/v1/events', { id: ids[index], type: 'aml.match.found', data: { index } }),
)
console.log(`${count} events posted in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
const maxTestMs = (count / rate) * 2000 + 30_000
await Promise.race([all, new Promise((resolve) => setTimeout(resolve, maxTestMs).unref())])

const [first, last] = [arrivals[0], arrivals.at(-1)]
const seconds = ((last?.at ?? 0) - (first?.at ?? 0)) / 1000
const arrived = arrivals.map(({ id }) => id)
const missing = ids.filter((id) => !arrived.includes(id)).length
const measured = (arrivals.length - 1) / seconds
const overtaken = arrived.flatMap((id, index) => {
  const next = arrived[index + 1]
  return next !== undefined && ids.indexOf(next) < ids.indexOf(id) ? [`${next} after ${id}`] : []
})
const late = arrivals
  .map(({ at }, index) => at - (first?.at ?? 0) - (index * 1000) / rate)
  .sort((a, b) => a - b)
const share = (of: number) => (late[Math.floor((late.length - 1) * of)] ?? NaN).toFixed(0)
console.log(
  `limit ${rate}/s: ${arrivals.length} arrivals of ${count} events, ${missing} missing, in ${seconds.toFixed(1)} s: ` +
    `${measured.toFixed(2)}/s (${((measured / rate - 1) * 100).toFixed(1)} %), ` +
    (overtaken.length === 0 ? 'in order' : `NOT in order: ${overtaken.join(', ')}`),
)
console.log(`from the place of each, counted from the first: p50 ${share(0.5)} ms, p99 ${share(0.99)} ms`)
receiver.stop()
