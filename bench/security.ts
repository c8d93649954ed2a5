import { randomBytes } from 'node:crypto'
import { Agent } from 'node:http'
import { parseArgs } from 'node:util'
import { createEgress, type Egress } from '../src/egress/egress.ts'
import { post } from '../src/egress/http.ts'
import { createLauncher } from './all-in-one.ts'
import { inFlight, openBench, percentile, startBenchReceiver } from './support.ts'

/**
 * `npm run bench:security`: the cost of two guards per event, as ratios within one run. Payload codec: two Switchyard instances,
 * one with PAYLOAD_KEYS and one without, deliver events in turn. Egress guard: posts to a receiver on loopback with and without
 * the guard, over kept and new connections.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '6' },
    events: { type: 'string', default: '150' },
    posts: { type: 'string', default: '500' },
  },
})
const rounds = Number(values.rounds)
const launcher = await createLauncher()

/** Returns a function that delivers `count` events with bounded concurrency and returns the time per event in milliseconds. */
async function openSide(url: string) {
  const arrivals = new Map<string, () => void>()
  const receiver = await startBenchReceiver((id) => arrivals.get(id)?.())
  const bench = await openBench(url)
  await bench.subscribe(receiver.url)
  let made = 0
  async function deliverOne(): Promise<void> {
    const id = `bench-${made++}`
    const arrival = new Promise<void>((resolve) => arrivals.set(id, resolve))
    const data = { submissionId: id, matchType: 'sanctions', matchScore: 0.95, riskLevel: 'high' }
    await bench.call('/api/v1/events', { id, type: 'aml.match.found', data })
    await arrival
    arrivals.delete(id)
  }
  const run = (count: number, width: number) => perUnit(count, () => inFlight(count, width, deliverOne))
  return { run, stop: () => receiver.stop() }
}

async function perUnit(count: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / count
}

/** Runs both sides in alternating order and returns the ratio of their medians. */
async function compare(what: string, base: () => Promise<number>, guarded: () => Promise<number>) {
  const times: { base: number[]; guarded: number[] } = { base: [], guarded: [] }
  await base()
  await guarded() // Neither of these counts.
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? (['base', 'guarded'] as const) : (['guarded', 'base'] as const)
    for (const side of order) times[side].push(await (side === 'base' ? base : guarded)())
  }
  const [without, withIt] = [percentile(times.base, 0.5), percentile(times.guarded, 0.5)]
  const ratio = (withIt / without).toFixed(2)
  console.log(`${what}: without ${without.toFixed(3)} ms, with ${withIt.toFixed(3)} ms, ratio ${ratio}`)
}

const plain = await openSide((await launcher.start('plain')).url)
const keys = { PAYLOAD_KEYS: `k1:${randomBytes(32).toString('base64')}` }
const encrypted = await openSide((await launcher.start('encrypted', keys)).url)
const events = Number(values.events)
for (const width of [1, 20])
  await compare(
    `payload codec, an event with ${width} in flight`,
    () => plain.run(events, width),
    () => encrypted.run(events, width),
  )
plain.stop()
encrypted.stop()
await launcher.stop()

const guard = createEgress({ allow: [], sandboxLoopback: true })
const agent = new Agent({ keepAlive: true })
const open: Egress = { ...guard, agent: () => agent, admit: () => undefined, refusal: () => undefined }
const receiver = await startBenchReceiver(() => undefined)
const named = receiver.url.replace('127.0.0.1', 'localhost')

function posts(url: string, egress: Egress, fresh: boolean) {
  const count = Number(values.posts)
  const headers: Record<string, string> = fresh ? { connection: 'close' } : {}
  const one = { url, headers, body: '{}', timeoutMs: 10_000, environment: 'sandbox', egress } as const
  return () => perUnit(count, () => inFlight(count, 1, () => post(one)))
}
for (const [what, url] of [
  ['an address', receiver.url],
  ['a name', named],
] as const)
  for (const fresh of [false, true])
    await compare(
      `egress guard, a post to ${what}, ${fresh ? 'a new connection each' : 'connections kept'}`,
      posts(url, open, fresh),
      posts(url, guard, fresh),
    )
receiver.stop()
agent.destroy()
await guard.close()
