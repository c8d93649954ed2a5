import type { Erased, ErasedEvent } from '../domain/redaction/erasure.ts'
import type { Environment, Event } from '../domain/event.ts'
import type { Timeline } from '../domain/delivery/timeline.ts'

/** One file: a tenant's events in one environment that ended on one day (UTC, `YYYY-MM-DD`). */
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
  /** The tenant's redacted values are missing, so the event cannot be sent again as it was. */
  redacted?: true
}

interface KeptRun extends ArchivedFacts {
  event: Event
  erased?: undefined
}

/** A tombstone: the event's data, and everything in its log that may quote it, is gone. */
interface ErasedRun extends ArchivedFacts {
  event: ErasedEvent
  erased: Erased
}

/** Stores closed events after Temporal has deleted them, as JSON lines: one file per tenant, environment and day. */
export interface Archive {
  /** Atomically stores a local file as the day's file, replacing an existing one. */
  put(place: ArchiveDay, file: string): Promise<void>
  /** Yields the lines; none if there is no such file. */
  read(place: ArchiveDay): AsyncIterable<ArchivedRun>
  /** The days that have a file, oldest first. */
  days(of: Omit<ArchiveDay, 'day'>): Promise<string[]>
  /** Removes all files of a tenant, including leftovers of interrupted puts. Returns their number. */
  removeTenant(tenantId: string): Promise<number>
}
