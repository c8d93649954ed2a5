import { parseArgs } from 'node:util'
import { inFlight, openBench, report, startBenchReceiver, timed } from './support.ts'

/**
 * `npm run bench:history`: posts many events to one webhook while a client walks the Dataspike history behind them, and
 * says whether the client saw each exactly once. Then times a page at the start, in the middle and at the end.
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:3000' },
    events: { type: 'string', default: '10000' },
    inflight: { type: 'string', default: '50' },
    pages: { type: 'string', default: '20' },
  },
})
const count = Number(values.events)
const bench = await openBench(values.url)
const receiver = await startBenchReceiver(() => undefined)
await bench.call('/api/v1/destinations', {
  name: 'bench',
  channel: 'webhook',
  config: { url: receiver.url, wireFormat: 'dataspike' },
  subscription: { eventTypes: ['all'] },
})

interface Page {
  data: { id: string }[]
  has_next: boolean
}
const page = (after?: string) =>
  bench.call<Page>(`/api/v3/notifications/webhook/history?limit=100${after ? `&after=${after}` : ''}`)

const seen: string[] = []
let posting = true
async function follow(): Promise<void> {
  for (let more = true; posting || more;) {
    const { data, has_next } = await page(seen.at(-1))
    seen.push(...data.map(({ id }) => id))
    more = has_next || seen.length < count
  }
}

const startedAt = performance.now()
const following = follow()
await inFlight(count, Number(values.inflight), (index) =>
  bench.call('/api/v1/events', { id: `h-${index}`, type: 'DOCVER', data: { index } }),
)
posting = false
console.log(`posted ${count} events in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
await following
const repeated = seen.length - new Set(seen).size
console.log(
  `walked ${seen.length} invocations in ${((performance.now() - startedAt) / 1000).toFixed(0)} s: ${count - new Set(seen).size} missing, ${repeated} repeated`,
)

for (const [where, after] of [
  ['start', undefined],
  ['middle', seen[Math.floor(count / 2)]],
  ['end', seen[count - 101]],
] as const) {
  const times = await inFlight(Number(values.pages), 1, () => timed(() => page(after)))
  report(`a page of 100 at the ${where} of ${count}`, times)
}
receiver.stop()
