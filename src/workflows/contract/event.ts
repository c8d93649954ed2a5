import { defineQuery, defineSignal } from '@temporalio/workflow'
import type { Erased, ErasedEvent } from '../../domain/redaction/erasure.ts'
import type { Environment, Event } from '../../domain/event.ts'
import type { AttemptResult } from '../../domain/delivery/outcome.ts'
import type { Place } from '../../domain/delivery/pace.ts'
import type { DigestOrders, PlannedDelivery } from '../../domain/routing/plan.ts'
import type { Timeline } from '../../domain/delivery/timeline.ts'

/**
 * What the API, the workers and the workflows agree on: names, ids, shapes. A change here changes what is already in
 * history: recorded histories (test/replay) must still replay.
 */

export const routeEventType = 'routeEvent'

/** The same workflow under another name, so that a list of events does not show replays as events. */
export const replayEventType = 'replayEvent'

/**
 * Input of `routeEvent`. A replay is a later run of the same event, to the destinations it names or by routing. A test goes
 * to one place only and is tried once.
 */
export interface RouteEventInput {
  event: Event
  replay?: { id: string; destinations?: string[] | undefined }
  test?: TestTarget
  /** Ids of the `takeTurns` workflows in which the API has put this event into its place. */
  queues?: string[]
  /** It is a digest: what its rule does with it. */
  digest?: DigestOrders
  /** By destination id: places in paces that the API has taken for it. */
  places?: Record<string, Place>
}

/**
 * Input of the same workflows where they stand in the place of a run whose event was erased: they do nothing, and have the log
 * of that run without what the event held. Under the same ids and types, so that whatever found the run finds them.
 */
export interface StandInInput {
  event: ErasedEvent
  replay?: { id: string }
  erased: Erased
  timeline: Timeline
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
  /** Of the plan (ISO 8601, UTC). */
  plannedAt: string
  places?: RouteEventInput['places']
}

/**
 * A workflow makes this many deliveries itself; more go to child workflows of as many each. The bound is the server's: a
 * search attribute's value has at most 2,048 bytes, which is 62 destination ids, and over it the workflow is failed.
 */
export const maxPerWorkflow = 60

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

/** Reports a first attempt that its opening did not wait for, by its delivery's key. */
export const attemptEndedSignal = defineSignal<[deliveryKey: string, result: AttemptResult]>('attemptEnded')

/** Ends every delivery that still waits. */
export const cancelSignal = defineSignal('cancel')

/** Likewise in a child, whose event goes on: the log says why. */
export const endBatchSignal = defineSignal<[reason: string]>('endBatch')

/** The type of the failure by which an activity tells that an attempt has failed: `details[0]` is what it came to. */
export const attemptFailedType = 'AttemptFailed'

/** Whose event a workflow is, or belongs to: what `eventWorkflowId` made its id of. */
export function scopeOfWorkflow(workflowId: string): Pick<Event, 'tenantId' | 'environment'> {
  const [tenantId = '', environment] = workflowId.split('/')
  return { tenantId, environment: environment as Environment }
}
