import type { AddressInfo } from 'node:net'
import { createServer, type RequestListener, type Server } from 'node:http'
import { Counter } from 'prom-client'
import { expect, it, onTestFinished } from 'vitest'
import { createLog } from '../../../src/log.ts'
import { exportBacklog, type QueueBacklog } from '../../../src/metrics/backlog.ts'
import { createExposition } from '../../../src/metrics/exposition.ts'
import { createMetricsServer } from '../../../src/metrics/server.ts'
import { createWorkerMetrics, exportCircuits } from '../../../src/metrics/worker.ts'

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function setUp(sdkUrl?: string) {
  const lines: string[] = []
  const log = createLog('warn', { destination: { write: (line) => void lines.push(line) } })
  const exposition = createExposition({ sdkUrl, log })
  const events = () => lines.map((line) => (JSON.parse(line) as { event: string }).event)
  return { exposition, log, events }
}

const sdk = (listener: RequestListener) => listen(createServer(listener))

it('ends with the metrics of Temporal’s SDK', async () => {
  const url = await sdk((_request, response) => void response.end('temporal_request_total 3\n'))
  const { exposition, events } = setUp(url)
  const counter = new Counter({ name: 'a_total', help: 'A.', registers: [exposition.registry] })
  counter.inc()
  expect(await exposition.render()).toBe(
    '# HELP a_total A.\n# TYPE a_total counter\na_total 1\ntemporal_request_total 3\n',
  )
  expect(events()).toEqual([])
})

it('has the rest where the SDK or Temporal does not answer, and says so in the log', async () => {
  const url = await sdk((_request, response) => void response.writeHead(500).end())
  const { exposition, events } = setUp(url)
  const backlog: QueueBacklog = { queue: 'switchyard', kind: 'workflow', tasks: 3, ageSeconds: 1.5 }
  let read = () => Promise.resolve([backlog])
  exportBacklog(exposition, () => read())
  exportCircuits(exposition, { countOpen: () => 2 })
  const labels = '{queue="switchyard",kind="workflow"}'
  const first = await exposition.render()
  expect(first).toContain(`switchyard_backlog_tasks${labels} 3\n`)
  expect(first).toContain(`switchyard_backlog_age_seconds${labels} 1.5\n`)
  expect(first).toContain('switchyard_circuits_open 2\n')
  expect(events()).toEqual(['metrics.incomplete'])

  read = () => Promise.reject(new Error('Temporal is not there'))
  const second = await exposition.render()
  expect(second).not.toContain(labels)
  expect(second).toContain('switchyard_circuits_open 2\n')
  expect(events()).toEqual(['metrics.incomplete', 'metrics.incomplete', 'metrics.incomplete'])
})

it('is served at /metrics, and nothing else is', async () => {
  const { exposition, log } = setUp()
  const url = await listen(createMetricsServer(exposition, log))
  const answer = await fetch(`${url}/metrics?x=1`)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ])
  expect((await fetch(`${url}/metrics`, { method: 'HEAD' })).status).toBe(200)
  for (const [method, path] of [
    ['POST', '/metrics'],
    ['GET', '/'],
    ['GET', '/metrics/x'],
    ['GET', '/healthz'],
  ])
    expect((await fetch(`${url}${path}`, { method })).status, `${method} ${path}`).toBe(404)
})

it('answers 500 without the error where a metric cannot be read', async () => {
  const { exposition, log, events } = setUp()
  const collect = () => {
    throw new Error('secret')
  }
  new Counter({ name: 'a_total', help: 'A.', registers: [exposition.registry], collect })
  const url = await listen(createMetricsServer(exposition, log))
  const answer = await fetch(`${url}/metrics`)
  expect([answer.status, await answer.text()]).toEqual([500, ''])
  expect(events()).toEqual(['metrics.failed'])
})

it('counts a channel that this release does not know under one name', async () => {
  const { exposition } = setUp()
  const metrics = createWorkerMetrics(exposition, ['webhook'])
  for (const channel of ['carrier-pigeon', 'smoke'])
    metrics.countAttempt({
      channel,
      outcome: { kind: 'failed', error: 'x', errorClass: 'internal' },
      durationMs: 1,
    })
  const text = await exposition.render()
  expect(text).toContain('switchyard_delivery_attempts_total{channel="unknown",outcome="failed"} 2\n')
  expect(text).toContain('switchyard_delivery_attempt_errors_total{channel="unknown",class="internal"} 2\n')
  expect(text).toContain('switchyard_delivery_attempts_total{channel="webhook",outcome="delivered"} 0\n')
  expect(text).not.toMatch(/pigeon|smoke/)
})
