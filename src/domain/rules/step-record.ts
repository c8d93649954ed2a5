import type { PlannedStep } from '../routing/plan.ts'

/** A step of a rule, once it has been reached. Times are ISO 8601, UTC. */
export interface StepRecord {
  /** As in the plan: `rul_…/1.otherwise.0`. */
  path: string
  kind: PlannedStep['kind']
  status: 'running' | 'waiting' | 'done' | 'skipped'
  reason?: string
  at: string
  /** Of one that waits: when that ends at the latest. */
  until?: string
  endedAt?: string
  /** The event that tells of this one, together with others. */
  digestId?: string
}

export function beginStep(
  timeline: { steps?: StepRecord[] },
  { path, kind }: PlannedStep,
  at: string,
): StepRecord {
  const record: StepRecord = { path, kind, status: 'running', at }
  timeline.steps ??= []
  timeline.steps.push(record)
  return record
}

export function waitInStep(record: StepRecord, until: string, reason?: string): void {
  record.status = 'waiting'
  record.until = until
  if (reason !== undefined) record.reason = reason
}

/** The wait is over, and what it was for begins. */
export function goOnInStep(record: StepRecord): void {
  if (record.status !== 'waiting') return
  record.status = 'running'
  delete record.until
  delete record.reason
}

/** A wait that is over is forgotten with it. */
export function endStep(record: StepRecord, status: 'done' | 'skipped', at: string, reason?: string): void {
  record.status = status
  record.endedAt = at
  delete record.until
  delete record.reason
  if (reason !== undefined) record.reason = reason
}
