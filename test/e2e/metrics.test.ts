import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { scrape, scrapeUntil, valuesOf } from '../support/resources/metrics.ts'
import { prepareRoots } from '../support/platform.ts'
import { run } from '../support/program.ts'
import { startReceiver, status } from '../support/servers/receiver.ts'
import { adminKey, apiAt, settledLog, untilTestEnds, type Api } from '../support/stack.ts'

it(
  'npm run api and npm run worker count what they do, each on a port of its own',
  { timeout: 120_000 },
  async () => {
    const { port, env } = await prepareRoots()
    const [apiMetrics, workerMetrics] = [await freePort(), await freePort()]
    const server = run('src/server.ts', { ...env, METRICS_PORT: String(apiMetrics) })
    const worker = run('src/worker.ts', { ...env, METRICS_PORT: String(workerMetrics) })
    await Promise.all([server.line('ready'), worker.line('ready')])

    const well = untilTestEnds(await startReceiver())
    const failing = untilTestEnds(await startReceiver(status(500)))
    const { api, tenantId, key } = await makeTenant(port)
    await subscribe(api, 'aml.match.found', well.url)
    await subscribe(api, 'aml.match.lost', failing.url)

    const events = ['evt-delivered', 'evt-failed']
    const [delivered, failed] = [
      { id: 'evt-delivered', type: 'aml.match.found', data: { secret: 'of the payload' } },
      { id: 'evt-failed', type: 'aml.match.lost', data: {} },
    ]
    await api.post('/events', delivered).expect(202)
    await api.post('/events', delivered).expect(200)
    await api.post('/events', failed).expect(202)
    expect((await settledLog(api, 'evt-delivered')).status).toBe('delivered')
    expect((await settledLog(api, 'evt-failed')).status).toBe('failed')
    await fetch(`http://127.0.0.1:${port}/no/such/path/${tenantId}`)

    // A response is counted when it has been sent, and a delivery as exhausted once its log is.
    await scrapeUntil(apiMetrics, 'switchyard_http_requests_total', { [unknownPath]: 1 })
    await scrapeUntil(workerMetrics, 'switchyard_deliveries_exhausted_total', { '': 1 })
    const ofApi = await scrape(apiMetrics)
    const ofWorker = await scrape(workerMetrics)

    const inApi = (metric: string) => valuesOf(ofApi.samples, `switchyard_${metric}`)
    expect(inApi('events_accepted_total')).toEqual({ '': 2 })
    expect(inApi('event_duplicates_total')).toEqual({ '': 1 })
    expect(inApi('admission_refusals_total')).toEqual({})
    expect(inApi('dependency_up')).toEqual({ 'dependency=postgresql': 1, 'dependency=temporal': 1 })
    expect(inApi('http_requests_total')).toMatchObject({
      'method=POST,route=/api/v1/tenants,status=201': 1,
      'method=POST,route=/api/v1/tenants/:id/keys,status=201': 1,
      'method=POST,route=/api/v1/destinations,status=201': 2,
      'method=POST,route=/api/v1/events,status=202': 2,
      'method=POST,route=/api/v1/events,status=200': 1,
      [unknownPath]: 1,
    })
    expect(inApi('http_request_duration_seconds_count')).toMatchObject({
      'method=POST,route=/api/v1/events': 3,
    })

    const inWorker = (metric: string) => valuesOf(ofWorker.samples, `switchyard_${metric}`)
    expect(inWorker('delivery_attempts_total')).toEqual({
      'channel=webhook,outcome=delivered': 1,
      'channel=webhook,outcome=failed': 2,
    })
    expect(inWorker('delivery_attempt_errors_total')).toEqual({ 'channel=webhook,class=http': 2 })
    expect(inWorker('delivery_attempt_duration_seconds_count')).toEqual({ 'channel=webhook': 3 })
    expect(inWorker('delivery_lag_seconds_count')).toEqual({ '': 2 })
    expect(inWorker('deliveries_exhausted_total')).toEqual({ '': 1 })
    expect(inWorker('delivery_attempts_not_made_total')).toEqual({})
    expect(inWorker('delivery_attempts_in_flight')).toEqual({})
    expect(inWorker('circuits_open')).toEqual({})

    const namesInWorker = ofWorker.samples.map((sample) => sample.name)
    expect(documentedOfSdk().length).toBeGreaterThan(4)
    expect(namesInWorker).toEqual(expect.arrayContaining(documentedOfSdk()))

    for (const { text, samples } of [ofApi, ofWorker]) {
      const names = new Set(samples.map((sample) => sample.name))
      expect(names).toContain('switchyard_backlog_tasks')
      expect(names).toContain('switchyard_backlog_age_seconds')
      expect(names).toContain('process_cpu_seconds_total')
      expect(names).toContain('nodejs_eventloop_lag_p99_seconds')
      expect(names).toContain('temporal_request_total')
      for (const secret of [tenantId, ...events, 'of the payload', key, well.url, String(failing.port)])
        expect(text).not.toContain(secret)
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
      expect(new Set(lines.map((line) => line.slice(0, line.lastIndexOf(' ')))).size).toBe(lines.length)
    }

    // Neither port serves what belongs to the other.
    expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(404)
    expect((await fetch(`http://127.0.0.1:${apiMetrics}/healthz`)).status).toBe(404)
    for (const program of [server, worker]) {
      program.kill('SIGTERM')
      expect(await program.exited).toBe(0)
    }
  },
)

it(
  'npm start counts everything on one port, and a replay does not count as late',
  { timeout: 120_000 },
  async () => {
    const { port, env } = await prepareRoots()
    const metrics = await freePort()
    const dataDir = mkdtempSync(join(tmpdir(), 'switchyard-metrics-'))
    onTestFinished(() => rmSync(dataDir, { recursive: true }))
    const program = run('src/main.ts', { ...env, DATA_DIR: dataDir, METRICS_PORT: String(metrics) })
    await program.line('ready')
    const { api } = await makeTenant(port)
    const receiver = untilTestEnds(await startReceiver())
    await subscribe(api, 'aml.match.found', receiver.url)
    await api.post('/events', { id: 'evt-1', type: 'aml.match.found', data: {} }).expect(202)
    expect((await settledLog(api, 'evt-1')).status).toBe('delivered')
    await api.post('/events/evt-1/replay').expect(202)

    const attempts = { 'channel=webhook,outcome=delivered': 2 }
    expect(await scrapeUntil(metrics, 'switchyard_delivery_attempts_total', attempts)).toEqual(attempts)
    const { samples } = await scrape(metrics)
    const values = (metric: string) => valuesOf(samples, `switchyard_${metric}`)
    expect(values('delivery_lag_seconds_count')).toEqual({ '': 1 })
    expect(values('events_accepted_total')).toEqual({ '': 1 })
    expect(values('http_requests_total')).toMatchObject({
      'method=POST,route=/api/v1/events/:id/replay,status=202': 1,
    })
  },
)

const unknownPath = 'method=GET,route=other,status=404'

async function makeTenant(port: number) {
  const url = `http://127.0.0.1:${port}`
  const platform = apiAt(url, adminKey)
  const tenant = await platform.post('/tenants', { name: 'Acme' }).expect(201)
  const { id: tenantId } = tenant.body as { id: string }
  const made = await platform.post(`/tenants/${tenantId}/keys`, { environment: 'sandbox' }).expect(201)
  const { key } = made.body as { key: string }
  return { tenantId, key, api: apiAt(url, key) }
}

async function subscribe(api: Api, eventType: string, url: string): Promise<void> {
  const delivery = { schedule: ['0s', '100ms'], timeoutMs: 5000 }
  const subscription = { eventTypes: [eventType] }
  const destination = { name: 'x', channel: 'webhook', config: { url }, subscription, delivery }
  await api.post('/destinations', destination).expect(201)
}

/** The metrics of Temporal's SDK that the documentation names, without those of failures. */
function documentedOfSdk(): string[] {
  const page = readFileSync(new URL('../../docs/operations/metrics.md', import.meta.url), 'utf8')
  const names = [...page.matchAll(/^\| `(temporal_\w+)` +\| (\w+)/gm)]
  return names.flatMap(([, name = '', type]) =>
    /_fail/.test(name) ? [] : [type === 'histogram' ? `${name}_count` : name],
  )
}
