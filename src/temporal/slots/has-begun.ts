import type { Client } from '@temporalio/client'
import proto from '@temporalio/proto'
import type { EventMemo } from '../../workflows/contract/lists.ts'
import { isNotFound } from '../grpc.ts'

const { PENDING_WORKFLOW_TASK_STATE_SCHEDULED } = proto.temporal.api.enums.v1.PendingWorkflowTaskState

/** A caller waits for the answer. */
const deadlineMs = 1_000

/** True if a worker has taken the first task of an event's workflow, or none ever will. */
export async function hasBegun(client: Client, workflowId: string): Promise<boolean> {
  try {
    const { status, memo, raw } = await client.withDeadline(Date.now() + deadlineMs, () =>
      client.workflow.getHandle(workflowId).describe(),
    )
    if (status.name !== 'RUNNING' || (memo as EventMemo | undefined)?.summary) return true
    return raw.pendingWorkflowTask?.state !== PENDING_WORKFLOW_TASK_STATE_SCHEDULED
  } catch (error) {
    if (isNotFound(error)) return true
    throw error
  }
}
