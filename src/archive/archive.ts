import type { Environment, Event } from '../domain/event.ts'
import type { Timeline } from '../domain/timeline.ts'

/** One file: what ended of a tenant's events in one environment on one day (UTC, `YYYY-MM-DD`). */
export interface ArchivePlace {
  tenantId: string
  environment: Environment
  day: string
}

/** One line: a run of an event that has ended, with its whole log. A replay is a run of its own. Times are ISO 8601, UTC. */
export interface ArchivedRun {
  event: Event
  replayId?: string
  startedAt: string
  endedAt: string
  timeline: Timeline
}

/** Where closed events are kept after Temporal has forgotten them, as JSON lines: one file a tenant, environment and day. */
export interface Archive {
  /** Takes over a local file as the one of its place, whole or not at all. What was there before is replaced. */
  put(place: ArchivePlace, file: string): Promise<void>
  /** Line by line; nothing where there is no such file. */
  read(place: ArchivePlace): AsyncIterable<ArchivedRun>
}
