import { Counter, Gauge, Histogram } from 'prom-client'
import { errorClasses, type AttemptResult, type Outcome } from '../domain/delivery/outcome.ts'
import type { Exposition } from './exposition.ts'

/** The metrics of a worker. */
export interface WorkerMetrics {
  /** Counts an attempt that is being made. Call the returned function when it has ended. */
  beginAttempt(): () => void
  countAttempt(attempt: { channel: string; outcome: Outcome; durationMs: number }): void
  /** Records the time from an event's acceptance to the first attempt of one of its deliveries. */
  recordLag(lagMs: number): void
  /** Counts a request for an attempt that has sent nothing. */
  countNotMade(reason: NotMade): void
  /** Counts a delivery that has failed for good. */
  countExhausted(): void
}

type NotMade = Exclude<AttemptResult['kind'], 'attempted'>

const outcomes: readonly Outcome['kind'][] = ['delivered', 'rejected', 'failed']
const notMade: readonly NotMade[] = ['skipped', 'deferred', 'held', 'expired', 'unavailable']

/** A destination may have a channel that this release does not know. */
const unknownChannel = 'unknown'

/** Attempts take up to 30 s. */
const attemptBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30]
const lagBuckets = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200]

export function createWorkerMetrics(
  exposition: Pick<Exposition, 'registry'>,
  channels: readonly string[],
): WorkerMetrics {
  const { registry } = exposition
  const registers = [registry]
  const attempts = createAttemptMetrics(exposition, channels)
  const inFlight = new Gauge({
    name: 'switchyard_delivery_attempts_in_flight',
    help: 'Messages that are being sent.',
    registers,
  })
  const lag = new Histogram({
    name: 'switchyard_delivery_lag_seconds',
    help: 'Time from the acceptance of an event to the first attempt of a delivery.',
    buckets: lagBuckets,
    registers,
  })
  const without = new Counter({
    name: 'switchyard_delivery_attempts_not_made_total',
    help: 'Requests for an attempt that sent nothing.',
    labelNames: ['reason'],
    registers,
  })
  for (const reason of notMade) without.inc({ reason }, 0)
  const exhausted = new Counter({
    name: 'switchyard_deliveries_exhausted_total',
    help: 'Deliveries that have failed for good.',
    registers,
  })

  return {
    beginAttempt() {
      inFlight.inc()
      return () => inFlight.dec()
    },
    countAttempt: attempts.count,
    recordLag: (lagMs) => lag.observe(Math.max(0, lagMs) / 1000),
    countNotMade: (reason) => without.inc({ reason }),
    countExhausted: () => exhausted.inc(),
  }
}

function createAttemptMetrics(
  { registry }: Pick<Exposition, 'registry'>,
  channels: readonly string[],
): { count: WorkerMetrics['countAttempt'] } {
  const registers = [registry]
  const attempts = new Counter({
    name: 'switchyard_delivery_attempts_total',
    help: 'Attempts that were made.',
    labelNames: ['channel', 'outcome'],
    registers,
  })
  const errors = new Counter({
    name: 'switchyard_delivery_attempt_errors_total',
    help: 'Attempts that were not delivered, by the class of their error.',
    labelNames: ['channel', 'class'],
    registers,
  })
  const durations = new Histogram({
    name: 'switchyard_delivery_attempt_duration_seconds',
    help: 'Time that sending took.',
    labelNames: ['channel'],
    buckets: attemptBuckets,
    registers,
  })
  // A rate can only be computed from a counter that was seen at 0.
  for (const channel of channels) {
    for (const outcome of outcomes) attempts.inc({ channel, outcome }, 0)
    for (const errorClass of errorClasses) errors.inc({ channel, class: errorClass }, 0)
    durations.zero({ channel })
  }
  const known = new Set(channels)

  return {
    count({ channel: given, outcome, durationMs }) {
      const channel = known.has(given) ? given : unknownChannel
      attempts.inc({ channel, outcome: outcome.kind })
      durations.observe({ channel }, durationMs / 1000)
      if (outcome.kind !== 'delivered' && outcome.errorClass)
        errors.inc({ channel, class: outcome.errorClass })
    },
  }
}

/** Reports how many destinations this worker makes no attempts at because their circuit is open. */
export function exportCircuits(
  { registry, onScrape }: Pick<Exposition, 'registry' | 'onScrape'>,
  circuits: { countOpen(): number },
): void {
  const open = new Gauge({
    name: 'switchyard_circuits_open',
    help: 'Destinations whose circuit is open in this worker.',
    registers: [registry],
  })
  onScrape(() => open.set(circuits.countOpen()))
}
