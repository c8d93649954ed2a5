import { activityInfo } from '@temporalio/activity'
import type { Client, WorkflowExecutionDescription } from '@temporalio/client'
import pMap from 'p-map'
import { definedOnly } from '../../domain/defined-only.ts'
import { listDigestIds, includedEvents, withoutData } from '../../domain/redaction/erasure.ts'
import type { Timeline } from '../../domain/delivery/timeline.ts'
import { deleteExecution, untilDeleted, untilListed } from '../../temporal/log/delete-execution.ts'
import { findDescription, describeUnerasedRuns } from '../../temporal/log/event-runs.ts'
import { readEventInput } from '../../temporal/log/event-input.ts'
import { listAllExecutions, quoted, workflowConditions } from '../../temporal/log/executions.ts'
import { ifFound } from '../../temporal/grpc.ts'
import { findLate } from '../../temporal/log/late-acknowledgement.ts'
import { readErasure, putTombstone } from '../../temporal/log/tombstone.ts'
import { readOwnTimeline } from '../../temporal/log/timeline.ts'
import type { EraseEventInput } from '../../workflows/contract/erasures.ts'
import { routeEventType } from '../../workflows/contract/event.ts'
import { digestEventType } from '../digests.ts'

const concurrency = 5

/** After this many failed reads of a log its summary is used, because an erasure must not fail for that reason. */
const maxLogReads = 5

/** Erases the closed runs of an event. `throwIfCancelled` throws to give up. */
export async function eraseEventRuns(client: Client, input: EraseEventInput, throwIfCancelled: () => void) {
  const runs = await describeUnerasedRuns(client, input, input.eventId)
  const closed = runs.filter(({ status }) => status.name !== 'RUNNING')
  const erased = await pMap(closed, (run) => eraseRun(client, input, run, throwIfCancelled), { concurrency })
  const late = await eraseLate(client, input, throwIfCancelled)
  // Runs that started after the others were ended are found by the next pass.
  return { runs: runs.length, late, digestIds: [...new Set(erased.flat())] }
}

/** Deletes acknowledgements that came after a run's end: the tombstone has them without their notes. Returns their number. */
async function eraseLate(
  client: Client,
  input: EraseEventInput,
  throwIfCancelled: () => void,
): Promise<number> {
  const late = await findLate(client, input, [input.eventId])
  for (const run of late) {
    await deleteExecution(client, run)
    await untilDeleted(client, run, throwIfCancelled)
  }
  return late.length
}

/** Writes the tombstone first, so that one of the two always exists. Returns the digests that the run is part of. */
async function eraseRun(
  client: Client,
  { at, erasureId, ...scope }: EraseEventInput,
  run: WorkflowExecutionDescription,
  throwIfCancelled: () => void,
): Promise<string[]> {
  const { workflowId, runId } = run
  const current = await findDescription(client, workflowId)
  let digestIds: string[] = []
  if (current?.runId === runId) {
    const timeline = await readLog(client, run)
    const input = await readEventInput(client, workflowId, runId)
    if (!('erased' in input)) {
      digestIds = await findDigests(client, scope, run, timeline)
      const event = withoutData(input.event)
      const { replay } = input
      await putTombstone(client, run, definedOnly({ event, replay, erased: { at, erasureId }, timeline }))
    }
  }
  const standsIn = current && (current.runId === runId || readErasure(current))
  // Another run of this id, which an operator has made of it by a reset, has a record of its own made.
  if (standsIn) await untilListed(client, workflowId, closedTombstone, throwIfCancelled)
  await deleteExecution(client, { workflowId, runId })
  await untilDeleted(client, { workflowId, runId }, throwIfCancelled)
  return digestIds
}

const closedTombstone = `OriginalEnd IS NOT NULL AND ExecutionStatus != 'Running'`

async function readLog(client: Client, run: WorkflowExecutionDescription): Promise<Timeline> {
  const { incomplete, ...timeline } = await readOwnTimeline(client, run)
  if (incomplete !== undefined && activityInfo().attempt < maxLogReads)
    throw new Error(`the log of ${run.workflowId} cannot be read yet: ${incomplete}`)
  return timeline
}

/** The log names the digests, unless the run ended before it could record them. */
async function findDigests(
  client: Client,
  scope: Pick<EraseEventInput, 'tenantId' | 'environment' | 'eventId'>,
  { status, startTime }: WorkflowExecutionDescription,
  timeline: Timeline,
): Promise<string[]> {
  const known = listDigestIds(timeline)
  if (status.name === 'COMPLETED') return known
  const conditions = [
    ...workflowConditions(scope, [routeEventType]),
    `EventType = ${quoted(digestEventType)}`,
    `StartTime >= ${quoted(startTime.toISOString())}`,
  ]
  const digests = await listAllExecutions(client, conditions.join(' AND '))
  const tell = await pMap(
    digests,
    async ({ workflowId, runId, memo }) =>
      (await includesEvent(client, { workflowId, runId }, scope.eventId)) ? [memo.eventId] : [],
    { concurrency },
  )
  return [...new Set([...known, ...tell.flat()])]
}

async function includesEvent(client: Client, run: { workflowId: string; runId: string }, eventId: string) {
  const input = await ifFound(readEventInput(client, run.workflowId, run.runId))
  return (
    input !== undefined &&
    !('erased' in input) &&
    includedEvents(input.event).some(({ id }) => id === eventId)
  )
}
