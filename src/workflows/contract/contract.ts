import { defineQuery, defineSignal } from '@temporalio/workflow'
import { defineSearchAttributeKey } from '@temporalio/common'
import type { Erased, ErasedEvent } from '../../domain/redaction/erasure.ts'
import type { Environment, Event } from '../../domain/event.ts'
import type { ReplayFilter, SkipReason } from '../../domain/replay.ts'
import type { AttemptResult } from '../../domain/delivery/outcome.ts'
import type { Place } from '../../domain/delivery/pace.ts'
import type { DigestOrders, PlannedDelivery, PlannedDigest } from '../../domain/routing/plan.ts'
import type { Acknowledgement, Timeline, TimelineSummary } from '../../domain/delivery/timeline.ts'

/**
 * What the API, the workers and the workflows agree on: names, ids, shapes. A change here changes what is already in
 * history: recorded histories (test/replay) must still replay.
 */
export const taskQueue = 'switchyard'
/** Attempts that must not hold up others: at slow destinations, and those beyond a limit (`lanes.ts`). */
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
  replay?: { id: string; destinations?: string[] | undefined }
  test?: TestTarget
  /** Ids of the `takeTurns` workflows in which the API has put this event into its place (DESIGN §3). */
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
export const mostPerWorkflow = 60

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

/**
 * Gives turns at a destination, one after the other or so many at once: first come, first served. Ordered destinations have
 * one for each key, held for a whole delivery; those with `maxConcurrent` have one, held for an attempt.
 */
export const takeTurnsType = 'takeTurns'

/** Ids of the workflows that hold a turn and that wait for one. Carried over when its history has grown long. */
export interface TurnsInput {
  permits: number
  holding?: string[]
  waiting?: string[]
}

export function turnsWorkflowId(
  { tenantId, environment }: Pick<Event, 'tenantId' | 'environment'>,
  destinationId: string,
  orderHash?: string,
): string {
  const parts = [tenantId, environment, 'turns', destinationId, ...(orderHash ? [orderHash] : [])]
  return parts.join('/')
}

/** Asks for a turn, or does nothing where the workflow waits for one already. `permits` is how many may hold one at once. */
export const enterSignal = defineSignal<[workflowId: string, permits: number]>('enter')
/** Gives a turn back, or up. */
export const leaveSignal = defineSignal<[workflowId: string]>('leave')
/** Tells a waiting workflow that its turn has come, and when (Unix ms). It may be told again. */
export const turnSignal = defineSignal<[turnsWorkflowId: string, atMs: number]>('turn')

/** Collects events for a rule's `digest`, one workflow for each rule, version and key. */
export const collectDigestType = 'collectDigest'

export interface DigestInput extends Pick<Event, 'tenantId' | 'environment'> {
  /** What is done with the digest. */
  orders: DigestOrders
  windowMs: number
  max: number
  /** The path at which its events have the same value. */
  by?: string | undefined
  /** Carried over when its history has grown long. */
  waiting?: DigestEntry[] | undefined
}

/** An event that waits in a digest. Its data stays with its own workflow. */
export interface DigestEntry {
  workflowId: string
  runId: string
  /** Of its data as JSON. */
  bytes: number
}

/** Events that different quiet hours hold are in different digests: the digest is held by the windows of the event that began it. */
export function digestWorkflowId(
  { tenantId, environment }: Pick<Event, 'tenantId' | 'environment'>,
  { ruleId, version }: Pick<DigestOrders, 'ruleId' | 'version'>,
  { key, quiet }: Pick<PlannedDigest, 'key' | 'quiet'> = {},
): string {
  const held = quiet === undefined ? [] : ['quiet', quiet]
  return [tenantId, environment, 'digest', ruleId, version, key?.hash ?? 'all', ...held].join('/')
}

/** What the ids of all digests of a tenant's environment begin with. */
export function digestsPrefix({ tenantId, environment }: Pick<Event, 'tenantId' | 'environment'>): string {
  return [tenantId, environment, 'digest', ''].join('/')
}

export const collectSignal = defineSignal<[DigestEntry]>('collect')
/** Takes an event out of the digest, unless it is told of already: the answer is `digestedSignal`. */
export const leaveDigestSignal = defineSignal<[workflowId: string]>('leaveDigest')

/** The workflow of a replay of many events. */
export const replayEventsType = 'replayEvents'

export function replaysWorkflowId(
  { tenantId, environment }: Pick<Event, 'tenantId' | 'environment'>,
  id: string,
) {
  return [tenantId, environment, 'replays', id].join('/')
}

export const timelineQuery = defineQuery<Timeline>('timeline')
/** Makes the waiting attempt of a destination now. */
export const retryNowSignal = defineSignal<[destinationId: string]>('retryNow')
/** Holds an acknowledgement that came after its event's workflow had ended. */
export const acknowledgeEventType = 'acknowledgeEvent'

/** Of one run: an event id can be used again once Temporal has forgotten its event. */
export function lateAcknowledgementId({
  workflowId,
  runId,
}: Pick<DigestEntry, 'workflowId' | 'runId'>): string {
  return `${workflowId}/ack/${runId}`
}

/** The memo of a late acknowledgement: lists show when it was. */
export interface LateAcknowledgementMemo {
  eventId: string
  acknowledgedAt: string
}

/** Tells that somebody has taken notice of the event. The first one counts. */
export const acknowledgeSignal = defineSignal<[Acknowledgement]>('acknowledge')
/** Tells an event which one it was digested into, or that it has left the digest. */
export const digestedSignal =
  defineSignal<[digestWorkflowId: string, told: { at: string; eventId?: string | undefined }]>('digested')
/** Reports a first attempt that its opening did not wait for, by its delivery's key. */
export const attemptEndedSignal = defineSignal<[deliveryKey: string, result: AttemptResult]>('attemptEnded')
/** Ends every delivery that still waits. */
export const cancelSignal = defineSignal('cancel')
/** Likewise in a child, whose event goes on: the log says why. */
export const endBatchSignal = defineSignal<[reason: string]>('endBatch')

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

/** Counts, and archives, the days that are over. A schedule starts it every day; by hand it takes days to do again. */
export const rollUpDaysType = 'rollUpDays'
export const rollUpScheduleId = 'switchyard-roll-up'
/** Of one that was started by hand: one at a time. */
export const rollUpByHandId = 'switchyard-roll-up-by-hand'

/** `days` (`YYYY-MM-DD`, UTC) are rolled up besides those that are due. */
export interface RollUpInput {
  days?: string[]
}

export interface RollUpProgress {
  done: DayRolledUp[]
  waiting: string[]
}

export interface DayRolledUp {
  day: string
  executions: number
  archivedRuns?: number
  /** It was left as it is: Temporal has forgotten what it was counted from. */
  kept?: true
}

export const rollUpQuery = defineQuery<RollUpProgress>('rollUp')

/** Erases what one event held, wherever that is. */
export const eraseEventType = 'eraseEvent'

export interface EraseEventInput extends Pick<Event, 'tenantId' | 'environment'> {
  eventId: string
  erasureId: string
  /** When it was asked for (ISO 8601, UTC). */
  at: string
}

/** An event's own id is never two parts, so that no event has this one. */
export function eraseWorkflowId({
  tenantId,
  environment,
  erasureId,
}: Pick<EraseEventInput, 'tenantId' | 'environment' | 'erasureId'>): string {
  return [tenantId, environment, 'erase', erasureId].join('/')
}

/** The type of the failure by which an activity tells that an attempt has failed: `details[0]` is what it came to. */
export const attemptFailedType = 'AttemptFailed'

/** What was erased: runs of the event and of digests that told of it, digests, lines of the archive. */
export interface ErasureCounts {
  runs: number
  digests: number
  archivedLines: number
}

/** Deletes a tenant with all it has. */
export const deleteTenantType = 'deleteTenant'

export interface DeleteTenantInput {
  tenantId: string
  deletionId: string
}

export function deleteTenantWorkflowId(tenantId: string): string {
  return `${tenantId}/delete`
}

/** What was deleted: executions, files of the archive, rows of what belongs to no row of the tenant. */
export interface DeletionCounts {
  executions: number
  archivedFiles: number
  rows: number
}

/** Whose event a workflow is, or belongs to: what `eventWorkflowId` made its id of. */
export function scopeOfWorkflow(workflowId: string): Pick<Event, 'tenantId' | 'environment'> {
  const [tenantId = '', environment] = workflowId.split('/')
  return { tenantId, environment: environment as Environment }
}
