import { setTimeout as sleep } from 'node:timers/promises'
import { report, type Bench } from './support.ts'

export interface OpenLoop {
  bench: Bench
  events: number
  producers: number
  /** Calls back with the id of each event that arrives at the receiver. */
  onArrival: (listener: (id: string) => void) => void
}

/** How long to wait for the last arrival once everything is accepted. */
const patienceMs = 90_000

/**
 * Producers that post as fast as they can and never wait for an arrival. A refused post is repeated after the requested delay.
 * Prints the rates, and the time from each 202 to its arrival.
 */
export async function measureOpenLoop({ bench, events, producers, onArrival }: OpenLoop): Promise<void> {
  const acceptedAt = new Map<string, number>()
  const arrivedAt = new Map<string, number>()
  let duplicates = 0
  let refused = 0
  let lastArrival = 0
  onArrival((id) => {
    if (!id.startsWith('open-')) return
    lastArrival = performance.now()
    if (arrivedAt.has(id)) duplicates++
    else arrivedAt.set(id, lastArrival)
  })

  const startedAt = performance.now()
  let next = 0
  async function produce(): Promise<void> {
    while (next < events) {
      const id = `open-${bench.tenantId}-${next++}`
      const data = { submissionId: id, matchType: 'sanctions', riskLevel: 'high' }
      await bench.post({ id, type: 'aml.match.found', data }, () => refused++)
      acceptedAt.set(id, performance.now())
    }
  }
  await Promise.all(Array.from({ length: producers }, produce))
  const acceptingSeconds = (performance.now() - startedAt) / 1000
  const deadline = performance.now() + patienceMs
  while (arrivedAt.size < events && performance.now() < deadline) await sleep(50)
  const deliveringSeconds = (lastArrival - startedAt) / 1000
  await sleep(2_000) // For a second arrival of what came last.

  const rate = (seconds: number) => `${(events / seconds).toFixed(0)}/s`
  console.log(
    `open loop, ${events} events by ${producers} producers: ${rate(acceptingSeconds)} accepted, ` +
      `${rate(deliveringSeconds)} delivered, ${refused} refused, ${events - arrivedAt.size} missing, ${duplicates} duplicates`,
  )
  report(
    'open loop, 202 → webhook arrival',
    [...arrivedAt].map(([id, at]) => Math.max(0, at - (acceptedAt.get(id) ?? at))),
  )
}
