import { defineSignal } from '@temporalio/workflow'
import type { Event } from '../../domain/event.ts'
import type { ReplayFilter, SkipReason } from '../../domain/replay.ts'

/** The workflow of a replay of many events. */
export const replayEventsType = 'replayEvents'

export function replaysWorkflowId(
  { tenantId, environment }: Pick<Event, 'tenantId' | 'environment'>,
  id: string,
) {
  return [tenantId, environment, 'replays', id].join('/')
}

/** What a replay of many events goes by. Carried over, with where it stands, when its history has grown long. */
export interface ReplayEventsInput extends Pick<Event, 'tenantId' | 'environment'> {
  id: string
  filter: ReplayFilter
  /** ISO 8601, UTC. */
  createdAt: string
  /** Events started a second. */
  ratePerSecond: number
  carried?: ReplayStand
}

/** Where a replay stands: what it has come to, what is found and not started yet, and where to look for more. */
export interface ReplayStand {
  progress: ReplayProgress
  waiting: Replayable[]
  /** Opaque to the workflow. */
  cursor?: string | undefined
  /** There is nothing more to be found. */
  complete: boolean
}

/** An event to replay, and where it is read: the execution it is the input of, or the line of the archive. */
export interface Replayable {
  eventId: string
  /** By today's routing, where the run was ended before it was routed. */
  destinations?: string[]
  workflowId?: string
  runId?: string
  /** Of the archive: `YYYY-MM-DD`, and the number of the line from 0. */
  day?: string
  line?: number
}

export interface ReplayProgress {
  state: 'running' | 'paused' | 'cancelled' | 'completed'
  /** Events that match: as counted at the start, until the walk knows better. */
  found: number
  started: number
  /** Events that match and were not started. */
  skipped: Partial<Record<SkipReason, number>>
  ratePerSecond: number
}

/** The memo of a replay: what is shown of it, with or without a worker. */
export interface ReplayMemo {
  replayId: string
  createdAt: string
  filter: ReplayFilter
  /** SHA-256 of the canonical JSON of what was asked, to recognise a repeated request. */
  bodyHash: string
  progress: ReplayProgress
}

export const pauseSignal = defineSignal('pause')

/** Goes on, at another rate if one is given. `cancelSignal` ends it for good. */
export const resumeSignal = defineSignal<[ratePerSecond?: number]>('resume')
