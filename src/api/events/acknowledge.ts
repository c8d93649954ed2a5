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

/** The event's own run, or a replay of it. */
export interface EventRun {
  execution: WorkflowExecutionDescription
  timeline: ReadTimeline
}

/** How an event stands: its own run first, then its replays. */
export type EventRuns = readonly [own: EventRun, ...replays: EventRun[]]

/** How an event stands once somebody has acknowledged it. */
export interface Acknowledged {
  runs: EventRuns
  /** The one that counts; absent where all runs had ended without any. */
  acknowledgement?: Acknowledgement
  /** Whether it is the one given; absent while no worker can tell. */
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

/** Whether the run would take an acknowledgement: the first one counts. */
export function isUnacknowledged(run: EventRun): boolean {
  if (run.timeline.acknowledgement) return false
  const until = lateUntil(run)
  return run.execution.status.name === 'RUNNING' || (until !== undefined && new Date() < until)
}

/** Until when a run that has ended can still be acknowledged, if one of its messages asked for an acknowledgement. */
function lateUntil({ execution, timeline }: EventRun): Date | undefined {
  const { closeTime } = execution
  return closeTime && mayHaveLateOne(execution, timeline) ? acknowledgeableUntil(closeTime) : undefined
}

/** Until when the last of these runs can still be acknowledged; nothing if none of them takes it after its end. */
export function lastLateUntil(runs: readonly EventRun[]): Date | undefined {
  const times = runs.flatMap((run) => lateUntil(run)?.getTime() ?? [])
  return times.length > 0 ? new Date(Math.max(...times)) : undefined
}

/** The one of the event itself; else that of its newest replay which has one. */
export function toAcknowledgement([own, ...replays]: EventRuns): Acknowledgement | undefined {
  return [own, ...replays.toReversed()].find(({ timeline }) => timeline.acknowledgement)?.timeline
    .acknowledgement
}

/** When the last run ended, once all of them have. */
export function findEnd(runs: EventRuns): Date | undefined {
  const ends = runs.flatMap(({ execution }) => execution.closeTime?.getTime() ?? [])
  return ends.length === runs.length ? new Date(Math.max(...ends)) : undefined
}

/**
 * Gives it to every run of the event that takes it: what was replayed waits by itself. Where none does, the one that counted is
 * returned.
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

/** In place of a key, where it was a link that let somebody do this. */
const linkInPlaceOfKey = 'acknowledge-link'

/** Without the note, which is about the event: it is kept in its log, and erased with it. */
function toRecord(
  scope: Scope,
  subject: string,
  { by, via, keyId = linkInPlaceOfKey, destinationId }: Omit<Acknowledgement, 'at'>,
  address: string | undefined,
): AuditRecord {
  const after = definedOnly({ by, via, destinationId })
  return { ...scope, keyId, address, action: 'event.acknowledged', subject, after }
}

/** To the run while it is there to take it, and else beside it. */
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
  // It has ended meanwhile, or before.
  if (asksForAcknowledgement(timeline.deliveries))
    await recordLate(temporal, event, execution, acknowledgement)
}

function whatCounts(runs: EventRuns, given: Acknowledgement): Omit<Acknowledged, 'runs'> {
  const isGiven = ({ timeline }: EventRun) => isDeepStrictEqual(timeline.acknowledgement, given)
  if (runs.some(isGiven)) return { acknowledgement: given, first: true }
  // Nobody has seen it yet: a worker that comes back will.
  if (runs.some(isUnacknowledged)) return { acknowledgement: given }
  const acknowledgement = toAcknowledgement(runs)
  return acknowledgement ? { acknowledgement, first: false } : {}
}

/** For the caller, where nothing could be acknowledged. */
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

/** For people: what a key is called, or its id where it has no name. */
export async function nameOfKey({ db }: AppDeps, id: string): Promise<string> {
  const key = await db.apiKey.findUnique({ where: { id }, select: { name: true } })
  return key?.name ?? id
}
