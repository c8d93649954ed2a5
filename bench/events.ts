import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'

/**
 * `npm run bench` (with `npm start` running and ADMIN_API_KEY set for both): one tenant, one webhook destination on
 * loopback. Prints the time from posting an event to its webhook's arrival with one event in flight, then the rate at
 * which events are accepted and delivered with many in flight.
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:3000' },
    single: { type: 'string', default: '200' },
    events: { type: 'string', default: '2000' },
    inflight: { type: 'string', default: '50' },
  },
})
const adminKey = process.env.ADMIN_API_KEY
if (!adminKey) throw new Error('set ADMIN_API_KEY to the key that the running Switchyard was started with')

const arrivals = new Map<string, (at: number) => void>()
const arrived = (id: string) => new Promise<number>((resolve) => arrivals.set(id, resolve))
const receiver = createServer((request, response) => {
  arrivals.get(String(request.headers['webhook-id']))?.(performance.now())
  request.resume().on('end', () => response.end())
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
const receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`

async function call<Answer>(key: string, path: string, body: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const response = await fetch(`${values.url}/api/v1${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Answer
}

const limits = { apiPerMinute: 100_000, apiBurst: 100_000, ingestPerSecond: 100_000 }
const tenant = await call<{ id: string }>(adminKey, '/tenants', { name: 'Bench', limits })
const { key } = await call<{ key: string }>(adminKey, `/tenants/${tenant.id}/keys`, {
  environment: 'sandbox',
})
const subscription = { eventTypes: ['all'] }
await call(key, '/destinations', {
  name: 'bench',
  channel: 'webhook',
  config: { url: receiverUrl },
  subscription,
})

let posted = 0
async function deliverOne(): Promise<{ acceptedMs: number; arrivedMs: number }> {
  const id = `bench-${tenant.id}-${posted++}`
  const arrival = arrived(id)
  const startedAt = performance.now()
  const data = {
    submissionId: id,
    matchType: 'sanctions',
    matchScore: 0.95,
    matchedName: 'John Doe',
    riskLevel: 'high',
  }
  await call(key, '/events', { id, type: 'aml.match.found', data })
  const acceptedAt = performance.now()
  const arrivedAt = await arrival
  arrivals.delete(id)
  return { acceptedMs: acceptedAt - startedAt, arrivedMs: arrivedAt - startedAt }
}

function percentile(sorted: number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1)
}

function report(what: string, times: number[]): void {
  const sorted = times.toSorted((left, right) => left - right)
  console.log(
    `${what}: p50 ${percentile(sorted, 0.5)} ms, p95 ${percentile(sorted, 0.95)} ms, p99 ${percentile(sorted, 0.99)} ms`,
  )
}

async function inFlight(count: number, width: number) {
  const times: Awaited<ReturnType<typeof deliverOne>>[] = []
  let left = count
  const lane = async () => {
    while (left-- > 0) times.push(await deliverOne())
  }
  await Promise.all(Array.from({ length: width }, lane))
  return times
}

await inFlight(50, 1)
const single = await inFlight(Number(values.single), 1)
report(
  `1 in flight, ${single.length} events, post → webhook arrival`,
  single.map(({ arrivedMs }) => arrivedMs),
)
report(
  `1 in flight, post → 202`,
  single.map(({ acceptedMs }) => acceptedMs),
)

const width = Number(values.inflight)
await inFlight(width * 2, width)
const startedAt = performance.now()
const many = await inFlight(Number(values.events), width)
const seconds = (performance.now() - startedAt) / 1000
console.log(
  `${width} in flight, ${many.length} events: ${(many.length / seconds).toFixed(0)} events/s delivered`,
)
report(
  `${width} in flight, post → webhook arrival`,
  many.map(({ arrivedMs }) => arrivedMs),
)
receiver.close()
receiver.closeAllConnections()
