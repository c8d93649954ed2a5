import type { Client, WorkflowExecutionDescription } from '@temporalio/client'
import { TypedSearchAttributes } from '@temporalio/common'
import { withoutPayload, type Erased } from '../../domain/redaction/erasure.ts'
import { listDestinationIds, type Timeline, type TimelineSummary } from '../../domain/delivery/timeline.ts'
import type { TombstoneInput } from '../../workflows/contract/event.ts'
import { searchAttributes, type EventMemo } from '../../workflows/contract/lists.ts'
import { taskQueue } from '../../workflows/contract/task-queues.ts'
import { unlessStarted } from '../start-job.ts'
import { ownDeliveries, readSummary } from './summary.ts'

/** The erasure recorded in a tombstone; undefined for other executions. */
export function readErasure({ memo }: Pick<WorkflowExecutionDescription, 'memo'>): EventMemo['erased'] {
  return (memo as EventMemo | undefined)?.erased
}

/** When a run began, or the run that a tombstone replaces. */
export function originalStart(execution: WorkflowExecutionDescription): Date {
  const erased = readErasure(execution)
  return erased ? new Date(erased.startedAt) : execution.startTime
}

export interface Tombstone extends Pick<TombstoneInput, 'event' | 'replay'> {
  erased: Erased
  /** The original's own log, without its children's deliveries. */
  timeline: Timeline
}

/**
 * Starts a tombstone for a closed execution, with the same id, type and search attributes. An existing one is kept. Returns once
 * it has closed, so that its log is available.
 */
export async function putTombstone(
  client: Client,
  original: WorkflowExecutionDescription,
  { event, replay, erased, timeline }: Tombstone,
): Promise<void> {
  const { workflowId, type } = original
  const input: TombstoneInput = {
    event,
    ...(replay && { replay: { id: replay.id } }),
    erased,
    timeline: withoutPayload(timeline),
  }
  await unlessStarted(
    client.workflow.start(type, {
      taskQueue,
      workflowId,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      priority: { fairnessKey: event.tenantId },
      args: [input],
      memo: { ...createMemo(original, erased, timeline) },
      typedSearchAttributes: createAttributes(original),
    }),
  )
  await client.workflow.getHandle(workflowId).result()
}

function createMemo(
  original: WorkflowExecutionDescription,
  { at, erasureId }: Erased,
  { acknowledgement }: Timeline,
): EventMemo {
  const { bodyHash: _guessable, ...memo } = original.memo as unknown as EventMemo
  const { startTime, closeTime = startTime } = original
  const times = { startedAt: startTime.toISOString(), endedAt: closeTime.toISOString() }
  return {
    ...memo,
    ...(memo.summary && {
      summary: {
        ...summaryAtEnd(original),
        ...(acknowledgement && { acknowledgedAt: acknowledgement.at }),
      },
    }),
    erased: { at, erasureId, ...times },
  }
}

function summaryAtEnd({ memo, status }: WorkflowExecutionDescription): TimelineSummary {
  return readSummary({ memo: memo as unknown as EventMemo, endedEarly: status.name !== 'COMPLETED' })
}

/** The original's search attributes, which lists filter by. One that ended early has failed, whatever its last status. */
function createAttributes(original: WorkflowExecutionDescription): TypedSearchAttributes {
  const { typedSearchAttributes, startTime, closeTime = startTime, status } = original
  const ours = Object.values(searchAttributes).map(({ name }): string => name)
  // Others are the server's own, and not to be set.
  const kept = typedSearchAttributes.getAll().filter(({ key }) => ours.includes(key.name))
  const attributes = new TypedSearchAttributes(kept).updateCopy([
    { key: searchAttributes.originalEnd, value: closeTime },
  ])
  if (status.name === 'COMPLETED') return attributes
  const failed = ownDeliveries(summaryAtEnd(original)).filter((one) => one.status === 'failed')
  return attributes.updateCopy([
    { key: searchAttributes.eventStatus, value: 'failed' },
    { key: searchAttributes.failingDestinations, value: listDestinationIds(failed) },
  ])
}
