import {
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowStartOptions,
} from '@temporalio/client'
import { taskQueue } from '../workflows/contract/task-queues.ts'

/** What happens if a workflow of the same id exists: `join` leaves one that runs and repeats one that has ended; `refuse` throws. */
const policies = {
  join: { workflowIdReusePolicy: 'ALLOW_DUPLICATE', workflowIdConflictPolicy: 'USE_EXISTING' },
  refuse: { workflowIdReusePolicy: 'REJECT_DUPLICATE', workflowIdConflictPolicy: 'FAIL' },
} as const

interface Job<Input> extends Pick<WorkflowStartOptions, 'priority' | 'memo' | 'typedSearchAttributes'> {
  workflowId: string
  input: Input
  duplicate: keyof typeof policies
}

/** Starts a job that runs in the background and survives restarts, as a workflow of this type. */
export async function startJob<Input>(
  client: Client,
  type: string,
  { input, duplicate, ...options }: Job<Input>,
): Promise<void> {
  await client.workflow.start(type, { taskQueue, ...policies[duplicate], ...options, args: [input] })
}

/** Awaits the start of a workflow. One that was started before is left as it is. */
export async function unlessStarted(start: Promise<unknown>): Promise<void> {
  try {
    await start
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
}
