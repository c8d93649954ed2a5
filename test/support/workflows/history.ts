import { Worker } from '@temporalio/worker'
import { inject } from 'vitest'
import type { Stack } from '../stack.ts'

/** Replays what a workflow has done so far, as a worker must that takes it over; answers what is wrong with it. */
export async function faultOfHistory(
  { temporal }: Pick<Stack, 'temporal'>,
  workflowId: string,
): Promise<string | undefined> {
  const history = await temporal.workflow.getHandle(workflowId).fetchHistory()
  const options = { workflowBundle: { codePath: inject('workflowBundle') } }
  return Worker.runReplayHistory(options, history, workflowId).then(() => undefined, String)
}
