import { defineQuery, defineSignal } from '@temporalio/workflow'
import type { Erased, ErasedEvent } from '../../domain/redaction/erasure.ts'
import type { Environment, Event } from '../../domain/event.ts'
import type { AttemptResult } from '../../domain/delivery/outcome.ts'
import type { PaceReservation } from '../../domain/delivery/pace.ts'
import type { DigestOrders, PlannedDelivery } from '../../domain/routing/plan.ts'
import type { Timeline } from '../../domain/delivery/timeline.ts'

/**
 * The contract between the API, the workers and the workflows: names, ids, shapes. They are recorded in histories, so the recorded
 * histories (test/replay) must still replay after a change.
 */

export const routeEventType = 'routeEvent'

/** The same workflow under another name, so that lists of events do not contain replays. */
export const replayEventType = 'replayEvent'

/**
 * Input of `routeEvent`. A replay is a later run of the same event, to named destinations or by routing. A test goes to a single
 * target and is attempted once.
 */
export interface RouteEventInput {
  event: Event
  replay?: { id: string; destinations?: string[] | undefined }
  test?: TestTarget
  /** Ids of the `takeTurns` workflows that the API has entered for this event. */
  queues?: string[]
  /** Set on digests: what their rule does with them. */
  digest?: DigestOrders
  /** By destination id: places that the API reserved at rate-limited destinations. */
  places?: Record<string, PaceReservation>
}

/**
 * Input of the same workflows when they are the tombstone of a run whose event was erased. They do nothing and hold that run's log
 * without the event's data, under the same workflow id and type, so that every lookup that found the run finds the tombstone.
 */
export interface TombstoneInput {
  event: ErasedEvent
  replay?: { id: string }
  erased: Erased
  timeline: Timeline
}

/** A destination, regardless of its status and subscription, or a bare URL. */
export type TestTarget = { destinationId: string } | { url: string }

/** Used as the destination id in the log of a test of a bare URL. */
export const urlUnderTest = 'url-under-test'

/** A child workflow that makes some of an event's deliveries if there are more than one workflow can hold. */
export const deliverBatchType = 'deliverBatch'

/** The same for a replay. It has its own name for the same reason as `replayEventType`. */
export const replayBatchType = 'replayBatch'

export interface BatchInput {
  event: Event
  deliveries: PlannedDelivery[]
  /** When the event was routed (ISO 8601, UTC). */
  plannedAt: string
  places?: RouteEventInput['places']
}

/**
 * A workflow makes up to this many deliveries itself. More go to child workflows of up to this many each. The server sets the bound:
 * a search attribute's value has at most 2,048 bytes, which is 62 destination ids, and a longer one fails the workflow.
 */
export const maxPerWorkflow = 60

export function batchWorkflowId(workflowId: string, index: number): string {
  return `${workflowId}/batch/${index}`
}

/**
 * The environment is part of the id, so that a sandbox event never collides with a production one. The parts contain no `/`.
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

/** True for a replay's workflow and its children. */
export function isReplayWorkflow(workflowId: string): boolean {
  return workflowId.includes('/replay/')
}

export const timelineQuery = defineQuery<Timeline>('timeline')

/** Makes a destination's waiting attempt immediately. */
export const retryNowSignal = defineSignal<[destinationId: string]>('retryNow')

/** Reports the result of a first attempt that the opening did not wait for, by delivery key. */
export const attemptEndedSignal = defineSignal<[deliveryKey: string, result: AttemptResult]>('attemptEnded')

/** Ends every waiting delivery. */
export const cancelSignal = defineSignal('cancel')

/** Ends every waiting delivery of a child workflow, with a reason for the log. The event itself continues. */
export const endBatchSignal = defineSignal<[reason: string]>('endBatch')

/** The failure type of an activity whose attempt failed. `details[0]` is the attempt's result. */
export const attemptFailedType = 'AttemptFailed'

/** Parses a workflow id made by `eventWorkflowId`, or the id of a child of such a workflow. */
export function scopeOfWorkflow(workflowId: string): Pick<Event, 'tenantId' | 'environment'> {
  const [tenantId = '', environment] = workflowId.split('/')
  return { tenantId, environment: environment as Environment }
}
