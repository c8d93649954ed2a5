import type { Archive, ArchivedRun } from '../../archive/archive.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import type { ErasedEvent } from '../../domain/redaction/erasure.ts'
import type { Event } from '../../domain/event.ts'
import { addDays, toDay } from '../../domain/days.ts'
import { destinationsToReplay, isAsked, type ReplayFilter } from '../../domain/replay.ts'
import { givenUp } from '../../domain/delivery/timeline.ts'
import type { ReplayablePage } from '../../temporal/log/replayable.ts'
import type { Replayable, ReplayEventsInput } from '../../workflows/contract/replays.ts'

/** A run is filed under the day on which it ended; it is taken to end within this time of its event. */
const maxRunDays = 30

/** Each page and chunk reads its file from the start, so pages are larger than those of the log. */
const wanted = 500

/**
 * The next archived events that a replay asks for, after the line at which the previous page ended. Stops early at `deadline`
 * (Unix ms) with the events found so far.
 */
export async function findInArchive(
  archive: Archive,
  { tenantId, environment, filter, createdAt }: ReplayEventsInput,
  cursor: string | undefined,
  deadline: number,
): Promise<ReplayablePage> {
  const found: Replayable[] = []
  let { day, line: firstLine } =
    cursor === undefined ? { day: toDay(Date.parse(filter.from)), line: 0 } : readCursor(cursor)
  for (const last = lastDay(filter, createdAt); day <= last; day = addDays(day, 1), firstLine = 0) {
    let line = -1
    for await (const run of archive.read({ tenantId, environment, day })) {
      line++
      if (line < firstLine) continue
      const one = replayable(run, filter)
      if (one) found.push({ ...one, day, line })
      if (found.length >= wanted || Date.now() > deadline)
        return { found, skipped: [], cursor: `${day} ${line + 1}`, complete: false }
    }
  }
  return { found, skipped: [], cursor: `${day} 0`, complete: true }
}

/** A replay's line is not an event of its own. Events that are routed again may go to any destination. */
function replayable(
  { event, replayId, timeline }: ArchivedRun,
  filter: ReplayFilter,
): Pick<Replayable, 'eventId' | 'destinations'> | undefined {
  const { id: eventId, type: eventType, createdAt, test } = event
  if (replayId !== undefined || !isAsked(filter, definedOnly({ eventType, createdAt, test })))
    return undefined
  if (filter.rules && filter.status === 'all') return { eventId }
  const { deliveries, routing } = timeline
  const destinations = destinationsToReplay(filter, { deliveries: deliveries.map(givenUp), routing })
  if (destinations.length === 0) return undefined
  return filter.rules ? { eventId } : { eventId, destinations }
}

export interface ArchivedEvent {
  event: Event | ErasedEvent
  /** It is not what was posted. */
  redacted?: true
}

/** The events of a chunk by id. Events that no longer exist are left out. */
export async function readFromArchive(
  archive: Archive,
  { tenantId, environment }: ReplayEventsInput,
  chunk: readonly Replayable[],
): Promise<Map<string, ArchivedEvent>> {
  const events = new Map<string, ArchivedEvent>()
  const asked = new Set(chunk.map(({ eventId }) => eventId))
  for (const day of new Set(chunk.flatMap((one) => one.day ?? []))) {
    const last = Math.max(...chunk.filter((one) => one.day === day).map(({ line }) => line ?? 0))
    let line = 0
    for await (const { event, replayId, redacted } of archive.read({ tenantId, environment, day })) {
      if (replayId === undefined && asked.has(event.id))
        events.set(event.id, definedOnly({ event, redacted }))
      if (line++ >= last) break
    }
  }
  return events
}

function lastDay({ to }: ReplayFilter, createdAt: string): string {
  const latest = addDays(toDay(Date.parse(to)), maxRunDays)
  const asked = toDay(Date.parse(createdAt))
  return latest < asked ? latest : asked
}

function readCursor(cursor: string): { day: string; line: number } {
  const [day = '', line = ''] = cursor.split(' ')
  return { day, line: Number(line) }
}
