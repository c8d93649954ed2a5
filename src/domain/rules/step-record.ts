import type { PlannedStep } from '../routing/plan.ts'

/** The log entry of a step that was reached. Times are ISO 8601, UTC. */
export interface StepRecord {
  /** The path from the plan: `rul_…/1.otherwise.0`. */
  path: string
  kind: PlannedStep['kind']
  status: 'running' | 'waiting' | 'done' | 'skipped'
  reason?: string
  at: string
  /** When the step's wait ends at the latest. */
  until?: string
  endedAt?: string
  /** The id of the digest that contains this event. */
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

/** Ends the step's wait; the step itself continues. */
export function goOnInStep(record: StepRecord): void {
  if (record.status !== 'waiting') return
  record.status = 'running'
  delete record.until
  delete record.reason
}

/** Ends the step, and its wait if there is one. */
export function endStep(record: StepRecord, status: 'done' | 'skipped', at: string, reason?: string): void {
  record.status = status
  record.endedAt = at
  delete record.until
  delete record.reason
  if (reason !== undefined) record.reason = reason
}
