import { defineSearchAttributeKey } from '@temporalio/common'
import type { Erased } from '../../domain/redaction/erasure.ts'
import type { TimelineSummary } from '../../domain/delivery/timeline.ts'

/**
 * The search attributes that lists filter by, registered by src/temporal/namespace.ts. SQL visibility supports 10 keywords and
 * 3 keyword lists; all 3 lists are in use.
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
  /** Set on tombstones: when the original run ended. The tombstone counts for that day, not for the day of the erasure. */
  originalEnd: defineSearchAttributeKey('OriginalEnd', 'DATETIME'),
} as const

/** An entry of `Destinations` that represents the destinations of child workflows, which are too many for one attribute. */
export const inBatches = 'in-batches'

/** Entries of `Destinations` for a destination that missed the event because it was inactive, and for those beyond the limit. */
export function missedBy(destinationId: string): string {
  return `missed:${destinationId}`
}

export const missedByMany = missedBy('many')

/** The memo set at the start: what deduplication compares and lists show. */
export interface StartMemo {
  eventId: string
  eventType: string
  createdAt: string
  /** SHA-256 of the canonical JSON of `{type, data}`: see `canonicalJson`. */
  bodyHash: string
  test?: true
}

export type EventMemo = Omit<StartMemo, 'bodyHash'> & {
  /** Absent after an erasure: from a hash, the original could be guessed. */
  bodyHash?: string
  summary?: TimelineSummary
  /** Set on tombstones: the times of the original run (ISO 8601, UTC). */
  erased?: Erased & { startedAt: string; endedAt: string }
}
