import { isDeepStrictEqual } from 'node:util'
import type { WorkflowExecutionDescription } from '@temporalio/client'
import { doAudited, type AuditRecord } from '../../db/audit/audit.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { acknowledgeableUntil, asksForAcknowledgement } from '../../domain/delivery/acknowledgement.ts'
import type { Acknowledgement } from '../../domain/delivery/timeline.ts'
import { isNotFound } from '../../temporal/grpc.ts'
import { mayHaveLateOne, recordLate } from '../../temporal/log/late-acknowledgement.ts'
import { readTimeline, type ReadTimeline } from '../../temporal/log/timeline.ts'
import { acknowledgeSignal } from '../../workflows/contract/acknowledgements.ts'
import type { AppDeps } from '../deps.ts'
import { ApiError } from '../errors.ts'
import { describeEvent, describeReplays } from './log.ts'

/** One run of the event: the original one or a replay. */
export interface EventRun {
  execution: WorkflowExecutionDescription
  timeline: ReadTimeline
}

/** All runs of an event: the original one first, then its replays. */
export type EventRuns = readonly [own: EventRun, ...replays: EventRun[]]

/** The result of an acknowledgement. */
export interface Acknowledged {
  runs: EventRuns
  /** The acknowledgement that counts; absent if all runs had ended without one. */
  acknowledgement?: Acknowledgement
  /** True if the given acknowledgement is the one that counts; absent while no worker can answer. */
  first?: boolean
}

export async function readRuns(deps: AppDeps, scope: Scope, eventId: string): Promise<EventRuns> {
  const own = await describeEvent(deps, scope, eventId)
  const replays = await describeReplays(deps, own.workflowId)
  const read = async (execution: WorkflowExecutionDescription) => ({
    execution,
    timeline: await readTimeline(deps.temporal, execution),
  })
  return Promise.all([read(own), ...replays.map(read)])
}

/** Returns whether the run would accept an acknowledgement. Only the first one counts. */
export function isUnacknowledged(run: EventRun): boolean {
  if (run.timeline.acknowledgement) return false
  const until = lateUntil(run)
  return run.execution.status.name === 'RUNNING' || (until !== undefined && new Date() < until)
}

/** Returns until when a closed run can still be acknowledged, if one of its messages asked for an acknowledgement. */
function lateUntil({ execution, timeline }: EventRun): Date | undefined {
  const { closeTime } = execution
  return closeTime && mayHaveLateOne(execution, timeline) ? acknowledgeableUntil(closeTime) : undefined
}

/** Returns until when the last of these runs can still be acknowledged; `undefined` if none can be after its end. */
export function lastLateUntil(runs: readonly EventRun[]): Date | undefined {
  const times = runs.flatMap((run) => lateUntil(run)?.getTime() ?? [])
  return times.length > 0 ? new Date(Math.max(...times)) : undefined
}

/** Returns the acknowledgement of the original run, or else that of the newest replay that has one. */
export function toAcknowledgement([own, ...replays]: EventRuns): Acknowledgement | undefined {
  return [own, ...replays.toReversed()].find(({ timeline }) => timeline.acknowledgement)?.timeline
    .acknowledgement
}

/** Returns when the last run ended; `undefined` while one is still running. */
export function findEnd(runs: EventRuns): Date | undefined {
  const ends = runs.flatMap(({ execution }) => execution.closeTime?.getTime() ?? [])
  return ends.length === runs.length ? new Date(Math.max(...ends)) : undefined
}

/**
 * Acknowledges every run of the event that accepts it, because each replay waits on its own. If no run does, returns the
 * acknowledgement that counted.
 */
export async function acknowledge(
  deps: AppDeps,
  scope: Scope,
  eventId: string,
  given: Omit<Acknowledgement, 'at'>,
  address: string | undefined,
): Promise<Acknowledged> {
  const acknowledgement: Acknowledgement = { at: new Date().toISOString(), ...given }
  const open = (await readRuns(deps, scope, eventId)).filter(isUnacknowledged)
  if (open.length > 0)
    await doAudited(deps.db, toRecord(scope, eventId, given, address), () =>
      Promise.all(open.map((run) => give(deps, { ...scope, eventId }, run, acknowledgement))),
    )
  const runs = await readRuns(deps, scope, eventId)
  const known = whatCounts(runs, acknowledgement)
  const { via, keyId, destinationId } = given
  deps.log.info({ ...scope, eventId, via, keyId, destinationId, first: known.first }, 'event.acknowledged')
  return { runs, ...known }
}

/** The key id to record if the acknowledgement came through a link. */
const linkInPlaceOfKey = 'acknowledge-link'

/**
 * The acknowledgement for the audit log. Leaves out the note, which is about the event: it is kept in the event's log and erased
 * with it.
 */
function toRecord(
  scope: Scope,
  subject: string,
  { by, via, keyId = linkInPlaceOfKey, destinationId }: Omit<Acknowledgement, 'at'>,
  address: string | undefined,
): AuditRecord {
  const after = definedOnly({ by, via, destinationId })
  return { ...scope, keyId, address, action: 'event.acknowledged', subject, after }
}

/** Signals the run while it is open, and stores the acknowledgement beside it once it has closed. */
async function give(
  { temporal }: AppDeps,
  event: Scope & { eventId: string },
  { execution, timeline }: EventRun,
  acknowledgement: Acknowledgement,
): Promise<void> {
  const { workflowId, runId, status } = execution
  if (status.name === 'RUNNING')
    try {
      return await temporal.workflow.getHandle(workflowId, runId).signal(acknowledgeSignal, acknowledgement)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  // The run has closed, either just now or earlier.
  if (asksForAcknowledgement(timeline.deliveries))
    await recordLate(temporal, event, execution, acknowledgement)
}

function whatCounts(runs: EventRuns, given: Acknowledgement): Omit<Acknowledged, 'runs'> {
  const isGiven = ({ timeline }: EventRun) => isDeepStrictEqual(timeline.acknowledgement, given)
  if (runs.some(isGiven)) return { acknowledgement: given, first: true }
  // No worker has processed the acknowledgement yet; one will once it is back.
  if (runs.some(isUnacknowledged)) return { acknowledgement: given }
  const acknowledgement = toAcknowledgement(runs)
  return acknowledgement ? { acknowledgement, first: false } : {}
}

/** The error for a caller whose event could not be acknowledged. */
export function endedUnacknowledged(runs: EventRuns): ApiError {
  const until = lastLateUntil(runs)
  const end = findEnd(runs)
  const ended = end ? `, and its workflow ended at ${end.toISOString()}` : ''
  return new ApiError(
    'already_ended',
    until
      ? `The time to acknowledge this event ended at ${until.toISOString()}.`
      : `No message about this event asked for an acknowledgement${ended}.`,
  )
}

/** Returns a key's name for display, or its id if it has no name. */
export async function nameOfKey({ db }: AppDeps, id: string): Promise<string> {
  const key = await db.apiKey.findUnique({ where: { id }, select: { name: true } })
  return key?.name ?? id
}
