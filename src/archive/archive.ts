import type { Erased, ErasedEvent } from '../domain/redaction/erasure.ts'
import type { Environment, Event } from '../domain/event.ts'
import type { Timeline } from '../domain/delivery/timeline.ts'

/** One file: what ended of a tenant's events in one environment on one day (UTC, `YYYY-MM-DD`). */
export interface ArchiveDay {
  tenantId: string
  environment: Environment
  day: string
}

/** One line: a run of an event that has ended, with its whole log. A replay is a run of its own. Times are ISO 8601, UTC. */
export type ArchivedRun = KeptRun | ErasedRun

interface ArchivedFacts {
  replayId?: string
  startedAt: string
  endedAt: string
  timeline: Timeline
  /** What the tenant wanted redacted when it was archived is not in it: it cannot be sent again as it was. */
  redacted?: true
}

export interface KeptRun extends ArchivedFacts {
  event: Event
  erased?: undefined
}

/** What is left of one: what the event held, and what of its log may quote it, is gone. */
export interface ErasedRun extends ArchivedFacts {
  event: ErasedEvent
  erased: Erased
}

/** Where closed events are kept after Temporal has forgotten them, as JSON lines: one file a tenant, environment and day. */
export interface Archive {
  /** Takes over a local file as the one of its place, whole or not at all. What was there before is replaced. */
  put(place: ArchiveDay, file: string): Promise<void>
  /** Line by line; nothing where there is no such file. */
  read(place: ArchiveDay): AsyncIterable<ArchivedRun>
  /** The days that there are files of, the oldest first. */
  days(of: Omit<ArchiveDay, 'day'>): Promise<string[]>
  /** Removes all that there is of a tenant, with what puts that broke off have left. Answers with how many files that was. */
  removeTenant(tenantId: string): Promise<number>
}
