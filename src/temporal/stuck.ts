import type { Client, WorkflowExecutionDescription } from '@temporalio/client'
import proto from '@temporalio/proto'

const { WorkflowTaskFailedCause: Cause, EventType } = proto.temporal.api.enums.v1

/** A workflow that cannot go on: its code throws, or does not replay its history. Temporal tries again until the code is mended. */
export interface Stuck {
  /** ISO 8601, UTC. */
  since: string
  /** Workflow tasks tried so far, the one that is under way included. */
  attempts: number
  cause: 'exception' | 'nondeterminism' | 'refused-command'
}

/** Temporal fails these tasks itself, in the course of its work. */
const harmless: ReadonlySet<number | null | undefined> = new Set([
  Cause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
  Cause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
  Cause.WORKFLOW_TASK_FAILED_CAUSE_RESET_STICKY_TASK_QUEUE,
  Cause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
  Cause.WORKFLOW_TASK_FAILED_CAUSE_FAILOVER_CLOSE_COMMAND,
])

/** Tasks that time out leave few events of their own, and the signals that came meanwhile lie between. */
const newestEvents = 50

/**
 * Since when an execution has been failing because of an internal error, or `undefined` if it has not. Tasks that only time out,
 * on overloaded or stopped workers, do not count. The failure's message is left out, because it may quote the event.
 */
export async function readStuck(
  client: Client,
  { workflowId, runId, status, raw }: WorkflowExecutionDescription,
): Promise<Stuck | undefined> {
  const attempts = raw.pendingWorkflowTask?.attempt ?? 0
  if (status.name !== 'RUNNING' || attempts < 2) return undefined
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: newestEvents,
  })
  const events = history?.events ?? []
  const progress = events.findIndex(
    ({ eventType }) => eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
  )
  const sinceProgress = progress === -1 ? events : events.slice(0, progress)
  const first = sinceProgress.findLast(
    ({ eventType, workflowTaskFailedEventAttributes: failed }) =>
      eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED && !harmless.has(failed?.cause),
  )
  if (!first?.eventTime) return undefined
  const { seconds, nanos } = first.eventTime
  const since = new Date(Number(seconds) * 1000 + (nanos ?? 0) / 1e6).toISOString()
  return { since, attempts, cause: toCause(first.workflowTaskFailedEventAttributes?.cause) }
}

function toCause(cause: number | null | undefined): Stuck['cause'] {
  if (cause === Cause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE) return 'exception'
  if (cause === Cause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR) return 'nondeterminism'
  return 'refused-command'
}
