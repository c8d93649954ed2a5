import { readFileSync } from 'node:fs'
import { parser } from '@prometheus-io/lezer-promql'
import { collectDefaultMetrics, type Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { channelNames } from '../../../src/channels/index.ts'
import { createLog } from '../../../src/log.ts'
import { createApiMetrics, exportDependencies } from '../../../src/metrics/api.ts'
import { exportBacklog } from '../../../src/metrics/backlog.ts'
import { createExposition } from '../../../src/metrics/exposition.ts'
import { createWorkerMetrics, exportCircuits } from '../../../src/metrics/worker.ts'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

interface Rule {
  alert: string
  expr: string
  labels: Record<string, string>
  annotations: { summary: string; runbook_url: string }
}

interface Panel {
  id: number
  type: string
  title: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: { refId: string; expr: string }[]
}

const page = read('docs/operations/metrics.md')
const { groups } = parse(read('deploy/prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(read('deploy/grafana/switchyard.json')) as { panels: Panel[] }
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr })),
)

interface Described {
  name: string
  type: string
  labels: string
}

/** Everything that a process with an API and a worker registers. */
function registered(): Described[] {
  const exposition = createExposition({ log: createLog('silent') })
  createApiMetrics(exposition)
  createWorkerMetrics(exposition, channelNames)
  exportDependencies(exposition, () => ({ dependencies: {} }))
  exportCircuits(exposition, { countOpen: () => 0 })
  exportBacklog(exposition, () => Promise.resolve([]))
  collectDefaultMetrics({ register: exposition.registry })
  return exposition.registry.getMetricsAsArray().map(describeMetric)
}

function describeMetric(metric: ReturnType<Registry['getMetricsAsArray']>[number]): Described {
  // The types of prom-client leave the label names out.
  const { labelNames = [] } = metric as unknown as { labelNames?: string[] }
  const labels = labelNames.map((name) => `\`${name}\``).join(', ') || '–'
  return { name: metric.name, type: String(metric.type), labels }
}

const rows = page
  .split('\n')
  .filter((line) => /^\| `\w+` /.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
const documented = rows.map(([, name = '', type = '', labels = '']) => ({
  name: name.replaceAll('`', ''),
  type,
  labels,
}))
const ofSdk = documented.filter(({ name }) => name.startsWith('temporal_')).map(({ name }) => name)
const metrics = registered()

/** Some of Node's metrics exist on Linux only. */
const isEverywhere = ({ name }: Described) => name.startsWith('switchyard_')

describe('docs/operations/metrics.md', () => {
  it('describes every metric that is registered, with its type and labels', () => {
    expect(documented).toEqual(expect.arrayContaining(metrics))
    expect(new Set(documented.map(({ name }) => name)).size).toBe(documented.length)
  })

  it('describes no other metric of Switchyard', () => {
    const byName = (a: Described, b: Described) => a.name.localeCompare(b.name)
    expect(documented.filter(isEverywhere).sort(byName)).toEqual(metrics.filter(isEverywhere).sort(byName))
  })

  it('has a section for every alert, and for no other', () => {
    const [, section = ''] = page.split('\n## Alerts\n')
    const headings = [...section.matchAll(/^### (\w+)$/gm)].map(([, name]) => name)
    expect(headings.sort()).toEqual(rules.map(({ alert }) => alert).sort())
  })
})

describe('every metric', () => {
  it('is named by the conventions of Prometheus', () => {
    for (const { name, type } of metrics.filter(isEverywhere)) {
      expect(name).toMatch(/^switchyard_[a-z]+(_[a-z]+)*$/)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      if (type === 'histogram') expect(name).toMatch(/_seconds$/)
    }
  })

  it('of Switchyard is in the dashboard', () => {
    const shown = new Set(queries.flatMap(({ expr }) => metricsIn(expr)))
    expect(metrics.filter(isEverywhere).filter(({ name }) => !shown.has(name))).toEqual([])
  })
})

/** Grafana replaces these before it asks Prometheus. */
function withoutVariables(expr: string): string {
  return expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'switchyard')
}

/** The names of the metrics in an expression, without what histograms append. Throws if it is not valid PromQL. */
function metricsIn(given: string): string[] {
  const expr = withoutVariables(given)
  const names: string[] = []
  parser.parse(expr).iterate({
    enter({ type, from, to }) {
      if (type.isError) throw new Error(`not valid PromQL at ${from}: ${expr}`)
      if (type.name === 'VectorSelector') names.push(/^\w+/.exec(expr.slice(from, to))?.[0] ?? '')
    },
  })
  return names.map((name) => name.replace(/(?<=_seconds)_(bucket|sum|count)$/, ''))
}

const known = new Set([...metrics.map(({ name }) => name), ...documented.map(({ name }) => name), 'up'])

describe.each([
  ['the dashboard', queries],
  ['the alert rules', rules.map(({ alert, expr }) => ({ title: alert, expr }))],
])('%s', (_name, expressions) => {
  it.each(expressions)('$title asks in valid PromQL for metrics that exist: $expr', ({ expr }) => {
    const asked = metricsIn(expr)
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.filter((name) => !known.has(name))).toEqual([])
  })

  it.each(expressions)('$title names only labels that its metrics have: $expr', ({ expr }) => {
    const labels = new Set(['job', 'instance', 'le'])
    for (const name of metricsIn(expr)) for (const label of labelsOf(name)) labels.add(label)
    const named = [...expr.matchAll(/(\w+)(?:=~|!~|!=|=)"|by \(([^)]*)\)/g)].flatMap(([, matched, grouped]) =>
      (matched ?? grouped ?? '').split(',').map((label) => label.trim()),
    )
    expect(named.filter((label) => !labels.has(label))).toEqual([])
  })
})

/** Temporal's documentation has those of its SDK; these are the ones that the expressions use. */
const labelsOfSdk = [
  'operation',
  'status_code',
  'task_queue',
  'worker_type',
  'workflow_type',
  'failure_reason',
]

function labelsOf(name: string): string[] {
  if (name.startsWith('temporal_')) return labelsOfSdk
  const { labels = '' } = metrics.find((metric) => metric.name === name) ?? {}
  return [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label)
}

it('a check of PromQL that is not valid fails', () => {
  expect(() => metricsIn('sum(rate(switchyard_circuits_open[5m]) > 1')).toThrow('not valid PromQL')
  expect(() => metricsIn('sum by (a rate(x[5m])')).toThrow('not valid PromQL')
})

it('the documented metrics of Temporal’s SDK are those that the dashboard and the alert rules use', () => {
  const used = [...queries, ...rules].flatMap(({ expr }) => metricsIn(expr))
  expect([...new Set(used.filter((name) => name.startsWith('temporal_')))].sort()).toEqual(ofSdk.sort())
})

describe('every alert', () => {
  it.each(rules)('$alert has a severity, a summary and a runbook that exists', ({ alert, ...rule }) => {
    expect(rule.labels.severity).toMatch(/^(critical|warning)$/)
    expect(rule.annotations.summary).not.toBe('')
    const { origin, pathname, hash } = new URL(rule.annotations.runbook_url)
    expect(origin).toBe('https://switchyard.example.com')
    expect(pathname).toBe('/docs/operations/metrics.md')
    expect(page).toContain(`\n### ${alert}\n`)
    expect(hash).toBe(`#${alert.toLowerCase()}`)
  })

  it('names only fields of a rule that Prometheus knows', () => {
    const fields = new Set(rules.flatMap((rule) => Object.keys(rule)))
    expect([...fields].sort()).toEqual(['alert', 'annotations', 'expr', 'for', 'labels'])
    for (const { for: lasting = '0m' } of rules as { for?: string }[]) expect(lasting).toMatch(/^\d+[mh]$/)
  })
})

describe('the dashboard', () => {
  it('has panels with ids of their own that do not overlap', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
  })

  it('asks only the chosen jobs', () => {
    expect(queries.filter(({ expr }) => !expr.includes('job=~"$job"'))).toEqual([])
  })
})
