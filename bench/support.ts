import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Shared by the benchmarks, which run against `npm start`. Both need the same ADMIN_API_KEY. */
export interface Bench {
  tenantId: string
  call<Answer>(path: string, body?: object): Promise<Answer>
  /** Creates a webhook destination for all events. */
  subscribe(url: string): Promise<void>
  /** Posts an event and retries it after each refusal when the answer says so. Calls back for each refusal. */
  post(event: object, onRefusal?: () => void): Promise<void>
  /** Posts an event once. Returns the status of the response, or 0 if there was none. */
  postOnce(event: object): Promise<number>
}

/** Creates a tenant with limits that do not slow the benchmark down. `path` is relative to the server's address. */
export async function openBench(url: string): Promise<Bench> {
  const adminKey = process.env.ADMIN_API_KEY
  if (!adminKey) throw new Error('set ADMIN_API_KEY to the key that the running Switchyard was started with')

  function send(key: string, path: string, body?: object): Promise<Response> {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    return fetch(`${url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
  }

  async function callWith<Answer>(key: string, path: string, body?: object): Promise<Answer> {
    const response = await send(key, path, body)
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Answer
  }

  const limits = { apiPerMinute: 100_000, apiBurst: 100_000, ingestPerSecond: 100_000 }
  const tenant = await callWith<{ id: string }>(adminKey, '/api/v1/tenants', { name: 'Bench', limits })
  const keyPath = `/api/v1/tenants/${tenant.id}/keys`
  const { key } = await callWith<{ key: string }>(adminKey, keyPath, { environment: 'sandbox' })
  async function post(event: object, onRefusal?: () => void): Promise<void> {
    for (;;) {
      const response = await send(key, '/api/v1/events', event)
      const text = await response.text()
      if (response.ok) return
      if (response.status !== 503 && response.status !== 429) throw new Error(`${response.status}: ${text}`)
      onRefusal?.()
      await sleep(Number(response.headers.get('retry-after')) * 1000)
    }
  }
  async function postOnce(event: object): Promise<number> {
    try {
      const response = await send(key, '/api/v1/events', event)
      await response.text()
      return response.status
    } catch {
      return 0
    }
  }
  async function subscribe(receiverUrl: string): Promise<void> {
    await callWith(key, '/api/v1/destinations', {
      name: 'bench',
      channel: 'webhook',
      config: { url: receiverUrl },
      subscription: { eventTypes: ['all'] },
    })
  }
  return { tenantId: tenant.id, call: (path, body) => callWith(key, path, body), subscribe, post, postOnce }
}

/** A receiver on loopback that answers 200 and reports each event's id. */
export async function startBenchReceiver(onEvent: (eventId: string) => void) {
  const server = createServer((request, response) => {
    onEvent(String(request.headers['webhook-id']))
    request.resume().on('end', () => response.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Runs the work `count` times with a concurrency of `width`. */
export async function inFlight<Result>(
  count: number,
  width: number,
  work: (index: number) => Promise<Result>,
) {
  const results: Result[] = []
  let next = 0
  const lane = async () => {
    while (next < count) results.push(await work(next++))
  }
  await Promise.all(Array.from({ length: width }, lane))
  return results
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

export function report(what: string, timesMs: number[]): void {
  const at = (share: number) => percentile(timesMs, share).toFixed(1)
  console.log(`${what}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`)
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}
