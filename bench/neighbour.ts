import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { inFlight, openBench, report, startBenchReceiver } from './support.ts'

/**
 * `npm run bench:neighbour`: one tenant's receivers hang for their whole timeout, another tenant's is healthy. Prints how long the
 * neighbour's posts and deliveries take, before and while the first tenant posts events to all of its receivers.
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:3000' },
    receivers: { type: 'string', default: '600' },
    /** Each receiver has a type of its own, so that an event goes to one, instead of each event to all. */
    apart: { type: 'boolean', default: false },
    /** Events of the first tenant. */
    events: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '30' },
    rate: { type: 'string', default: '4' },
  },
})
const receivers = Number(values.receivers)
const hanging = createServer(() => undefined)
await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve))
const hangingUrl = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}/`

const [first, neighbour] = [await openBench(values.url), await openBench(values.url)]
const postedAt = new Map<string, number>()
let arrivals: number[] = []
let posts: number[] = []
const healthy = await startBenchReceiver((id) => {
  const at = postedAt.get(id)
  if (at !== undefined) arrivals.push(performance.now() - at)
})
const webhook = (name: string, url: string, type: string) => ({
  name,
  channel: 'webhook',
  config: { url },
  subscription: { eventTypes: [type] },
})
await neighbour.call('/api/v1/destinations', webhook('healthy', healthy.url, 'all'))
await inFlight(receivers, 10, (index) =>
  first.call('/api/v1/destinations', webhook(`hanging ${index}`, hangingUrl, eventTypeFor(index))),
)

function eventTypeFor(index: number): string {
  return values.apart ? `hangs.n${index % receivers}` : 'hangs.all'
}

async function postOne(): Promise<void> {
  const id = `neighbour-${neighbour.tenantId}-${postedAt.size}`
  const startedAt = performance.now()
  postedAt.set(id, startedAt)
  await neighbour.post({ id, type: 'aml.match.found', data: { riskLevel: 'high' } })
  posts.push(performance.now() - startedAt)
}

/** Posts at a steady rate without waiting for earlier posts. */
async function measure(what: string): Promise<void> {
  ;[arrivals, posts] = [[], []]
  const count = Number(values.seconds) * Number(values.rate)
  const all: Promise<void>[] = []
  for (let made = 0; made < count; made++) {
    all.push(postOne())
    await sleep(1000 / Number(values.rate))
  }
  await Promise.all(all)
  for (let waited = 0; waited < 300 && arrivals.length < count; waited++) await sleep(200)
  report(`${what}: the neighbour’s ${arrivals.length} of ${count} events, post → arrival`, arrivals)
  report(`${what}: post → 202`, posts)
}

await measure('before')
let refused = 0
const flood = inFlight(Number(values.events), 50, (index) =>
  first.post({ type: eventTypeFor(index), data: { index } }, () => refused++),
)
await measure(`beside ${values.events} events to ${receivers} that hang`)
await flood
console.log(`${refused} posts of the first tenant were refused`)
healthy.stop()
hanging.close()
hanging.closeAllConnections()
