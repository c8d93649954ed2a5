import { Counter, Gauge, Histogram } from 'prom-client'
import type { Exposition } from './exposition.ts'

/** A request of the API. `route` is the template of a path, so that no id becomes a label. */
interface CountedRequest {
  method: string
  route: string
  status: string
  durationSeconds: number
}

/** The metrics of the API. */
export interface ApiMetrics {
  countRequest(request: CountedRequest): void
  /** Counts an event that Temporal has stored, or the repetition of one. */
  countEvent(accepted: { duplicate: boolean }): void
  /** Counts an event, or a batch, that was refused because workers are behind. */
  countRefusal(code: RefusalCode): void
}

const refusalCodes = ['rate_limited', 'overloaded'] as const
export type RefusalCode = (typeof refusalCodes)[number]

const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createApiMetrics({ registry }: Pick<Exposition, 'registry'>): ApiMetrics {
  const registers = [registry]
  const requests = new Counter({
    name: 'switchyard_http_requests_total',
    help: 'Requests of the API that have been answered.',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'switchyard_http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its response.',
    labelNames: ['method', 'route'],
    buckets: requestBuckets,
    registers,
  })
  const accepted = new Counter({
    name: 'switchyard_events_accepted_total',
    help: 'Events that Temporal has stored, without duplicates.',
    registers,
  })
  const duplicates = new Counter({
    name: 'switchyard_event_duplicates_total',
    help: 'Posts of events that had been accepted before.',
    registers,
  })
  const refusals = new Counter({
    name: 'switchyard_admission_refusals_total',
    help: 'Calls that were refused because more events arrived than could be delivered.',
    labelNames: ['code'],
    registers,
  })
  for (const code of refusalCodes) refusals.inc({ code }, 0)

  return {
    countRequest({ method, route, status, durationSeconds }) {
      requests.inc({ method, route, status })
      durations.observe({ method, route }, durationSeconds)
    },
    countEvent: ({ duplicate }) => (duplicate ? duplicates : accepted).inc(),
    countRefusal: (code) => refusals.inc({ code }),
  }
}

/** Reports which services respond, as `/readyz` does. */
export function exportDependencies(
  { registry, onScrape }: Pick<Exposition, 'registry' | 'onScrape'>,
  report: () => { dependencies: Record<string, 'up' | 'down'> },
): void {
  const up = new Gauge({
    name: 'switchyard_dependency_up',
    help: '1 if the service responds, 0 if calls that need it are refused.',
    labelNames: ['dependency'],
    registers: [registry],
  })
  onScrape(() => {
    for (const [dependency, state] of Object.entries(report().dependencies))
      up.set({ dependency }, state === 'up' ? 1 : 0)
  })
}
