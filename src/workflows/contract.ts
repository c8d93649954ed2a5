import { defineQuery, defineSignal } from '@temporalio/workflow'
import { defineSearchAttributeKey } from '@temporalio/common'
import type { Environment, Event } from '../domain/event.ts'
import type { PlannedDelivery } from '../domain/routing.ts'
import type { Timeline, TimelineSummary } from '../domain/timeline.ts'

/**
 * What the API, the workers and the workflows agree on: names, ids, shapes. A change here changes what is already in
 * history: recorded histories (test/replay) must still replay.
 */
export const taskQueue = 'switchyard'
/** Attempts that must not hold up others: slow destinations. Fair by destination (DESIGN §3). */
export const slowTaskQueue = 'switchyard-slow'

export const routeEventType = 'routeEvent'
/** The same workflow under another name, so that a list of events does not show replays as events. */
export const replayEventType = 'replayEvent'

/**
 * Input of `routeEvent`. A replay is a later run of the same event, to the destinations it names or by routing. A test goes
 * to one place only and is tried once.
 */
export interface RouteEventInput {
  event: Event
  replay?: { id: string; destinations?: string[] }
  test?: TestTarget
}

/** A destination, whatever its status and subscription, or a URL that no destination has. */
export type TestTarget = { destinationId: string } | { url: string }

/** Stands for the destination's id in the log of a test at a URL. */
export const urlUnderTest = 'url-under-test'

/** A child that makes some of an event's deliveries, when there are more than one workflow can hold. */
export const deliverBatchType = 'deliverBatch'
/** Likewise of a replay, under another name for the same reason as `replayEventType`. */
export const replayBatchType = 'replayBatch'

export interface BatchInput {
  event: Event
  deliveries: PlannedDelivery[]
}

export function batchWorkflowId(workflowId: string, index: number): string {
  return `${workflowId}/batch/${index}`
}

/**
 * The environment is a part of the id, so that a sandbox event never takes the place of a production one. An id's parts
 * hold no `/`.
 */
export function eventWorkflowId(ref: {
  tenantId: string
  environment: Environment
  eventId: string
}): string {
  return `${ref.tenantId}/${ref.environment}/${ref.eventId}`
}

export function replayWorkflowId(eventWorkflowId: string, replayId: string): string {
  return `${eventWorkflowId}/replay/${replayId}`
}

export const timelineQuery = defineQuery<Timeline>('timeline')
/** Makes the waiting attempt of a destination now. */
export const retryNowSignal = defineSignal<[destinationId: string]>('retryNow')
/** Ends every delivery that still waits. */
export const cancelSignal = defineSignal('cancel')

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
  destinations: defineSearchAttributeKey('Destinations', 'KEYWORD_LIST'),
  deliveredDestinations: defineSearchAttributeKey('DeliveredDestinations', 'KEYWORD_LIST'),
  failingDestinations: defineSearchAttributeKey('FailingDestinations', 'KEYWORD_LIST'),
} as const

/** Stands in `Destinations` for those that children deliver to: there are too many for one attribute. */
export const inBatches = 'in-batches'

/** The memo as it is set at start: what deduplication compares and a list shows. */
export interface StartMemo {
  eventId: string
  eventType: string
  createdAt: string
  /** SHA-256 of the canonical JSON (RFC 8785) of `{type, data}`. */
  bodyHash: string
  test?: true
}

export type EventMemo = StartMemo & { summary?: TimelineSummary }
