import { defineSearchAttributeKey } from '@temporalio/common'
import type { Erased } from '../../domain/redaction/erasure.ts'
import type { TimelineSummary } from '../../domain/delivery/timeline.ts'

/**
 * What a list filters by. Registered by src/temporal/namespace.ts; SQL visibility has room for 10 keywords and 3 keyword
 * lists, and the lists are all taken.
 */
export const searchAttributes = {
  tenantId: defineSearchAttributeKey('TenantId', 'KEYWORD'),
  environment: defineSearchAttributeKey('Environment', 'KEYWORD'),
  eventId: defineSearchAttributeKey('EventId', 'KEYWORD'),
  eventType: defineSearchAttributeKey('EventType', 'KEYWORD'),
  eventStatus: defineSearchAttributeKey('EventStatus', 'KEYWORD'),
  replayId: defineSearchAttributeKey('ReplayId', 'KEYWORD'),
  destinations: defineSearchAttributeKey('Destinations', 'KEYWORD_LIST'),
  deliveredDestinations: defineSearchAttributeKey('DeliveredDestinations', 'KEYWORD_LIST'),
  failingDestinations: defineSearchAttributeKey('FailingDestinations', 'KEYWORD_LIST'),
  /** Of a stand-in: when the run ended in whose place it is. It counts for that day, not for the one on which it was put there. */
  originalEnd: defineSearchAttributeKey('OriginalEnd', 'DATETIME'),
} as const

/** Stands in `Destinations` for those that children deliver to: there are too many for one attribute. */
export const inBatches = 'in-batches'

/** Stands in `Destinations` for one that would have got the event, had it been active; the second for those beyond its room. */
export function missedBy(destinationId: string): string {
  return `missed:${destinationId}`
}

export const missedByMany = missedBy('many')

/** The memo as it is set at start: what deduplication compares and a list shows. */
export interface StartMemo {
  eventId: string
  eventType: string
  createdAt: string
  /** SHA-256 of the canonical JSON of `{type, data}`: see `canonicalJson`. */
  bodyHash: string
  test?: true
}

export type EventMemo = Omit<StartMemo, 'bodyHash'> & {
  /** Absent of what was erased: by a hash, what it was made of could be guessed. */
  bodyHash?: string
  summary?: TimelineSummary
  /** Of a stand-in, with the times (ISO 8601, UTC) of the run in whose place it is. */
  erased?: Erased & { startedAt: string; endedAt: string }
}
