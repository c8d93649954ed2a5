import type { FaultRecord } from './faults.ts'
import type { Load } from './load.ts'
import type { LogCheck } from './logs.ts'
import type { Duplicate, Verdict } from './model.ts'
import { timeoutMs } from './scenario.ts'
import { describeFault } from './schedule.ts'
import type { Arrival } from './receivers.ts'
import type { Topology } from './topology.ts'

/** What a run comes to. */
export interface Ledger {
  /** What must not happen, a line each. Empty: the run has passed. */
  violations: string[]
  /** Names and values, for people. */
  rows: [string, string][]
}

export interface Outcome {
  load: Load
  arrivals: Arrival[]
  verdict: Verdict
  faults: FaultRecord[]
  logs: LogCheck
  /** Events of which a workflow task timed out. */
  timedOutTasks: Set<string>
  crashes: Topology['crashes']
  /** Events that a bulk replay of failed deliveries should have delivered, and did. */
  bulkReplay: { failed: number; delivered: number }
  /** Events in the archive after the last roll-up. Absent where there was no disk to fill. */
  archived?: { events: number; repeated: number }
  limits: { latenessMs: number }
}

/** A process that stores results of attempts may be busy for as long after it is back. */
const catchingUpMs = 15_000
/** The attempts that a worker had in progress when it was killed. */
const inProgressMs = timeoutMs + 1_000
/** What a killed worker has sent is noticed by its receiver this much later. */
const noticedMs = 1_000

export function drawUp(outcome: Outcome): Ledger {
  const { load, arrivals, verdict, faults, logs, crashes, bulkReplay, archived } = outcome
  const classes = count(verdict.duplicates.map((duplicate) => explain(duplicate, outcome)))
  const unrecorded = logs.unrecorded.filter(({ eventId, receiver }) => {
    const received = arrivals.filter(
      (arrival) => arrival.eventId === eventId && arrival.receiver === receiver,
    )
    return (
      !outcome.timedOutTasks.has(eventId) && !received.some(({ at }) => findCause(at, faults) !== undefined)
    )
  })
  const late = verdict.latenessMs.toSorted((left, right) => left - right)
  const latest = late.at(-1) ?? 0
  const violations = [
    ...verdict.lost.map(({ eventId, receiver, min }) => `lost: ${eventId} at ${receiver} (expected ${min})`),
    ...verdict.early.map(
      ({ expectation, arrival }) =>
        `early: ${arrival.eventId} at ${arrival.receiver}, by ${expectation.notBefore - arrival.at} ms`,
    ),
    ...verdict.unexpected.map(({ eventId, receiver }) => `unexpected: ${eventId} at ${receiver}`),
    ...verdict.orderViolations.map(({ first, second }) => `order: ${second} arrived before ${first}`),
    ...verdict.digests.missing.map((id) => `digest: ${id} is in none`),
    ...verdict.digests.twice.map((id) => `digest: ${id} is in two`),
    ...verdict.duplicates
      .filter((duplicate) => explain(duplicate, outcome) === unexplained)
      .map(
        ({ arrival, first }) =>
          `duplicate without a cause: ${arrival.eventId} at ${arrival.receiver}, ${arrival.at - first.at} ms after the first`,
      ),
    ...unrecorded.map(
      ({ eventId, receiver, count }) => `log: ${eventId} at ${receiver} lacks ${count} attempt(s)`,
    ),
    ...logs.contradictions.map((line) => `log: ${line}`),
    ...crashes.map(({ process, why }) => `crash: ${process} ${why}`),
    ...(bulkReplay.delivered < bulkReplay.failed
      ? [`replay: delivered ${bulkReplay.delivered} of ${bulkReplay.failed} failed events`]
      : []),
    ...(archived && (archived.events !== load.accepted.length || archived.repeated > 0)
      ? [`archive: ${archived.events} of ${load.accepted.length} events, ${archived.repeated} repeated`]
      : []),
    ...(latest > outcome.limits.latenessMs ? [`late: ${seconds(latest)} after its time`] : []),
  ]
  const accepted = arrivals.filter((arrival) => arrival.accepted).length
  const rows: Ledger['rows'] = [
    ['accepted', `${load.accepted.length} events`],
    ['answers to posts', [...load.answers].map(([status, times]) => `${status}: ${times}`).join(', ')],
    ['slowest 503', seconds(load.slowestRefusalMs)],
    ['expected', `${verdict.expected} deliveries, and ${verdict.digests.number} digests`],
    ['arrived', `${accepted} accepted, ${arrivals.length - accepted} refused`],
    ['lost', String(verdict.lost.length + verdict.digests.missing.length)],
    ['duplicated', `${verdict.duplicates.length} (${percent(verdict.duplicates.length, accepted)})`],
    ...[...classes].map(([cause, times]): [string, string] => [`  ${cause}`, String(times)]),
    ['arrivals without a recorded attempt', String(sum(logs.unrecorded.map((entry) => entry.count)))],
    ['order violations', String(verdict.orderViolations.length)],
    ['early', String(verdict.early.length)],
    [
      'rules’ lateness',
      `p50 ${seconds(at(late, 0.5))}, p99 ${seconds(at(late, 0.99))}, max ${seconds(latest)}`,
    ],
    ['bulk replay', `${bulkReplay.delivered} of ${bulkReplay.failed} failed deliveries`],
    ['archived', archived ? `${archived.events} events` : 'not tested: no disk could be mounted'],
    ['crashes', String(crashes.length)],
    ...faults.map((record): [string, string] => [describeFault(record.fault), recovery(record, outcome)]),
  ]
  return { violations, rows }
}

const unexplained = 'unexplained'

/** The class of a duplicate: why the first arrival's result was not recorded. */
function explain({ first }: Duplicate, { faults, timedOutTasks }: Outcome): string {
  const cause = findCause(first.at, faults)
  if (cause !== undefined) return cause
  return timedOutTasks.has(first.eventId) ? 'no worker finished the workflow task within 10 s' : unexplained
}

/** Why the result of an attempt that arrived then may not have been recorded. */
function findCause(at: number, faults: FaultRecord[]): string | undefined {
  for (const { killedAt, endedAt } of faults) {
    for (const [name, killed] of killedAt) {
      const inProgress = at >= killed - inProgressMs
      const isStore = name === 'temporal' || name === 'postgres'
      if (isStore && inProgress && at <= endedAt + catchingUpMs)
        return `result could not be stored: ${name} killed`
      if (name.startsWith('worker') && inProgress && at <= killed + noticedMs)
        return 'in progress when its worker was killed'
    }
  }
  return undefined
}

/** Until everything that had been accepted before the fault has arrived, at a receiver that never misbehaves. */
function recovery({ fault, beganAt, endedAt }: FaultRecord, { load, arrivals }: Outcome): string {
  const ready = `over after ${seconds(endedAt - beganAt)}`
  if (fault.kind !== 'kill' && fault.kind !== 'skew') return ready
  const before = new Set(
    load.accepted
      .filter(({ kind, acceptedAt }) => kind === 'fanout' && acceptedAt < beganAt)
      .map(({ id }) => id),
  )
  let last = beganAt
  for (const { receiver, eventId, at } of arrivals)
    if (receiver === 'fanout' && before.delete(eventId)) last = Math.max(last, at)
  return `${ready}; all accepted before it had arrived after ${seconds(last - beganAt)}`
}

export function printLedger({ rows, violations }: Ledger, say: (line: string) => void): void {
  const width = Math.max(...rows.map(([name]) => name.length))
  for (const [name, value] of rows) say(`${name.padEnd(width)}  ${value}`)
  const shown = violations.slice(0, 50)
  say(violations.length === 0 ? 'PASSED: no violation' : `FAILED: ${violations.length} violation(s)`)
  for (const line of shown) say(`  ${line}`)
}

function count(names: string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

function at(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
const percent = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(2)} %`
