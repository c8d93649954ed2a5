import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client'
import { definedOnly } from '../../domain/defined-only.ts'
import { deliveryKey, givenUp, isOpen, openTimeline, type Timeline } from '../../domain/delivery/timeline.ts'
import { timelineQuery } from '../../workflows/contract/event.ts'
import type { EventMemo } from '../../workflows/contract/lists.ts'
import { foundOr } from '../grpc.ts'
import { withLateAcknowledgement } from './late-acknowledgement.ts'
import { readStuck, type Stuck } from '../stuck.ts'

/** A query is answered by a worker. If none answers in this time, the summary in the memo has to do. */
const queryDeadlineMs = 3_000

/** A timeline, and why it is not the whole of it when no worker could be asked, or its workflow is stuck. */
export type ReadTimeline = Timeline & { incomplete?: string; stuck?: Stuck }

/** The delivery log of an execution, with the attempts that its children made. */
export async function readTimeline(
  client: Client,
  execution: WorkflowExecutionDescription,
): Promise<ReadTimeline> {
  const { batches, ...timeline } = await readOwnTimeline(client, execution)
  if (!batches) return timeline
  // A child that is not found is only about to be started.
  const children = await Promise.all(
    batches.map((workflowId) => foundOr(readChild(client, workflowId), (): ReadTimeline => openTimeline())),
  )
  const made = new Map(
    children.flatMap(({ deliveries }) => deliveries.map((delivery) => [deliveryKey(delivery), delivery])),
  )
  const deliveries = timeline.deliveries.map((delivery) => made.get(deliveryKey(delivery)) ?? delivery)
  const incomplete = children.find((child) => child.incomplete)?.incomplete ?? timeline.incomplete
  const stuck = timeline.stuck ?? children.find((child) => child.stuck)?.stuck
  return definedOnly({ ...timeline, deliveries, incomplete, stuck })
}

async function readChild(client: Client, workflowId: string): Promise<ReadTimeline> {
  return readOwnTimeline(client, await client.workflow.getHandle(workflowId).describe())
}

/** The log as the execution itself has it: its result once it is done, its answer to the query until then. */
export async function readOwnTimeline(
  client: Client,
  execution: WorkflowExecutionDescription,
): Promise<ReadTimeline> {
  const handle = client.workflow.getHandle(execution.workflowId, execution.runId)
  const now = await onceOpened(handle, execution)
  return withLateAcknowledgement(client, now, await readAlone(client, handle, now))
}

/** Reads it without the parts that other workflows hold. */
async function readAlone(
  client: Client,
  handle: WorkflowHandle,
  now: WorkflowExecutionDescription,
): Promise<ReadTimeline> {
  const memo = now.memo as EventMemo | undefined
  if (now.status.name === 'COMPLETED') return (await handle.result()) as Timeline
  const stuck = await readStuck(client, now)
  if (stuck) return { ...fromMemo(memo, stuckOnFault), stuck }
  if (isOpening(now)) return fromMemo(memo, opening)
  try {
    return endedEarly(
      await client.withDeadline(Date.now() + queryDeadlineMs, () => handle.query(timelineQuery)),
      now,
    )
  } catch {
    return endedEarly(fromMemo(memo, noWorker), now)
  }
}

const opening = 'not routed yet, or the first attempts are in progress'
const stuckOnFault =
  'summary only: the workflow is stuck on an internal error, which was logged for the operator'
const noWorker = 'summary only, without attempts and routing: no worker answers'

/** A moment, in which most events are routed and attempted. */
const openingMs = { most: 1_000, poll: 50 }

/**
 * Waits briefly until visibility shows the execution. Before that it is not queried: a query that is answered while a local
 * activity runs may separate the activity's result from its consequences, and such a history may not replay.
 */
async function onceOpened(
  handle: WorkflowHandle,
  execution: WorkflowExecutionDescription,
): Promise<WorkflowExecutionDescription> {
  const deadline = Date.now() + openingMs.most
  let now = execution
  while (isOpening(now) && Date.now() < deadline) {
    await sleep(openingMs.poll)
    now = await handle.describe()
  }
  return now
}

function isOpening({ status, memo }: WorkflowExecutionDescription): boolean {
  return status.name === 'RUNNING' && !(memo as EventMemo | undefined)?.summary
}

/** A workflow that an operator ended, or that failed, makes no further attempt, whatever its log says. */
function endedEarly<Read extends ReadTimeline>(
  timeline: Read,
  { status }: WorkflowExecutionDescription,
): Read {
  if (status.name === 'RUNNING') return timeline
  const reason = `the workflow was ended early (${status.name.toLowerCase()}); pending deliveries will not be made`
  const deliveries = timeline.deliveries.map((delivery) =>
    isOpen(delivery) ? { ...givenUp(delivery), reason } : delivery,
  )
  return { ...timeline, status: 'failed', reason, deliveries }
}

function fromMemo(memo: EventMemo | undefined, incomplete: string): ReadTimeline {
  return {
    ...openTimeline(),
    status: memo?.summary?.status ?? 'pending',
    deliveries: (memo?.summary?.deliveries ?? []).map((delivery) => ({ ...delivery, attempts: [] })),
    incomplete,
  }
}
