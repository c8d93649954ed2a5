import { defineSignal } from '@temporalio/workflow'
import type { Event } from '../../domain/event.ts'
import type { ReplayFilter, SkipReason } from '../../domain/replay.ts'

/** Replays many events. */
export const replayEventsType = 'replayEvents'

export function replaysWorkflowId(
  { tenantId, environment }: Pick<Event, 'tenantId' | 'environment'>,
  id: string,
) {
  return [tenantId, environment, 'replays', id].join('/')
}

/** The request of a bulk replay, and its state after continue-as-new. */
export interface ReplayEventsInput extends Pick<Event, 'tenantId' | 'environment'> {
  id: string
  filter: ReplayFilter
  /** ISO 8601, UTC. */
  createdAt: string
  /** Events started per second. */
  ratePerSecond: number
  carried?: ReplayStand
}

/** The state of a bulk replay: its progress, events that were found and not started yet, and where to continue searching. */
export interface ReplayStand {
  progress: ReplayProgress
  waiting: Replayable[]
  /** Opaque to the workflow. */
  cursor?: string | undefined
  /** The search has ended. */
  complete: boolean
}

/** An event to replay, and where to read it: the execution whose input it is, or a line of the archive. */
export interface Replayable {
  eventId: string
  /** Use current routing, because the run was ended before it was routed. */
  destinations?: string[]
  workflowId?: string
  runId?: string
  /** A position in the archive: `YYYY-MM-DD`, and the zero-based number of the line. */
  day?: string
  line?: number
}

export interface ReplayProgress {
  state: 'running' | 'paused' | 'cancelled' | 'completed'
  /** Matching events. An estimate from the start, corrected during the search. */
  found: number
  started: number
  /** Matching events that were not started, by reason. */
  skipped: Partial<Record<SkipReason, number>>
  ratePerSecond: number
}

/** The memo of a bulk replay, which can be read without a worker. */
export interface ReplayMemo {
  replayId: string
  createdAt: string
  filter: ReplayFilter
  /** SHA-256 of the canonical JSON of the request, to recognise a repeated one. */
  bodyHash: string
  progress: ReplayProgress
}

export const pauseSignal = defineSignal('pause')

/** Resumes a paused replay, at another rate if one is given. `cancelSignal` ends it for good. */
export const resumeSignal = defineSignal<[ratePerSecond?: number]>('resume')
