import { setTimeout as sleep } from 'node:timers/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { inFlight, openBench, report, startBenchReceiver, timed } from './support.ts'

/**
 * `npm run bench:log`: how long the delivery log takes to open. First one event with 3 destinations and 12 attempts, in one
 * call; then, with many events posted, a page of 100 of each list at its start, in its middle and at its end.
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:3000' },
    events: { type: 'string', default: '10000' },
    inflight: { type: 'string', default: '50' },
    reads: { type: 'string', default: '100' },
    pages: { type: 'string', default: '20' },
  },
})
const bench = await openBench(values.url)
const makeWebhook = (url: string, eventTypes: string[], delivery: object = {}) =>
  bench.call<{ id: string }>('/api/v1/destinations', {
    name: 'bench',
    channel: 'webhook',
    config: { url },
    subscription: { eventTypes },
    delivery,
  })

interface Log {
  status: string
  deliveries: { attempts: unknown[] }[]
}

/** One event, three receivers that always fail, four attempts each. */
async function openLog(): Promise<void> {
  const failing = createServer(
    (request, response) => void request.resume().on('end', () => response.writeHead(500).end()),
  )
  await new Promise<void>((resolve) => failing.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(failing.address() as AddressInfo).port}/`
  const delivery = { schedule: ['0s', '100ms', '100ms', '100ms'] }
  for (let number = 0; number < 3; number++) await makeWebhook(url, ['bench.fails'], delivery)
  const { id } = await bench.call<{ id: string }>('/api/v1/events', {
    type: 'bench.fails',
    data: { amount: 1 },
  })
  const read = () => bench.call<Log>(`/api/v1/events/${id}`)
  let log = await read()
  for (; log.status === 'pending'; log = await read()) await sleep(100)
  failing.close()
  const attempts = log.deliveries.reduce((sum, delivery) => sum + delivery.attempts.length, 0)
  const times = await inFlight(Number(values.reads), 1, () => timed(read))
  report(`the log of an event with ${log.deliveries.length} destinations and ${attempts} attempts`, times)
}

interface Page {
  data: object[]
  nextCursor: string | null
}

/** Walks a list to its end, and times pages of it. */
async function timeList(path: string, rowsWanted: number): Promise<void> {
  const page = (cursor?: string) => {
    const more = cursor === undefined ? '' : `&cursor=${cursor}`
    return bench.call<Page>(`/api/v1${path}${path.includes('?') ? '&' : '?'}limit=100${more}`)
  }
  const cursors: (string | undefined)[] = []
  let rows = 0
  for (let cursor: string | undefined | null = undefined; cursor !== null;) {
    cursors.push(cursor)
    const { data, nextCursor }: Page = await page(cursor)
    rows += data.length
    cursor = nextCursor
  }
  console.log(`${path}: ${rows} rows in ${cursors.length} pages, ${rowsWanted} expected`)
  for (const [where, cursor] of [
    ['start', undefined],
    ['middle', cursors[Math.floor(cursors.length / 2)]],
    ['end', cursors.at(-1)],
  ] as const) {
    const times = await inFlight(Number(values.pages), 1, () => timed(() => page(cursor)))
    report(`a page of 100 at the ${where} of ${path}`, times)
  }
}

await openLog()

const count = Number(values.events)
const receiver = await startBenchReceiver(() => undefined)
await makeWebhook(receiver.url, ['bench.*'])
const rare = await makeWebhook(receiver.url, ['bench.rare'])
const startedAt = performance.now()
await inFlight(count, Number(values.inflight), (index) =>
  bench.call('/api/v1/events', { type: index % 50 === 0 ? 'bench.rare' : 'bench.usual', data: { index } }),
)
const seconds = (performance.now() - startedAt) / 1000
const rareCount = Math.ceil(count / 50)
console.log(`posted ${count} events in ${seconds.toFixed(0)} s, ${rareCount} of them to two destinations`)
// Times reading only: waits until no event is pending any more.
const pending = () => bench.call<Page>('/api/v1/events?status=pending&limit=1')
while ((await pending()).data.length > 0) await sleep(500)
await timeList('/events', count + 1)
await timeList(`/events?destination=${rare.id}`, rareCount)
await timeList('/deliveries', count + rareCount + 3)
await timeList(`/deliveries?destination=${rare.id}`, rareCount)
await timeList('/deliveries?status=failed', 3)
receiver.stop()
