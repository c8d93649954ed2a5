import type { Client } from '@temporalio/client'
import { WorkflowNotFoundError } from '@temporalio/client'
import { derivedId } from '../http/idempotency.ts'

/** Identical requests within this time are one replay while it runs: a double click, or a client that repeats itself. */
const sameRequestMs = 60_000

export interface ChosenReplay {
  id: string
  /** The replay was started before: by the same key, or by an identical request a moment ago. */
  known: boolean
}

/**
 * The id of a replay. It is derived from the request, so that Temporal lets only one of several identical requests start it:
 * without an `Idempotency-Key`, from what is asked for and the number of the same replay on that day.
 */
export async function chooseReplayId(
  temporal: Client,
  {
    parts,
    idempotencyKey,
    bodyHash,
  }: { parts: string[]; idempotencyKey: string | undefined; bodyHash: string },
  workflowIdFor: (id: string) => string,
): Promise<ChosenReplay> {
  if (idempotencyKey !== undefined) {
    const id = derivedId('rpl', [...parts, 'replays', idempotencyKey])
    return { id, known: (await startOf(temporal, workflowIdFor(id))) !== undefined }
  }
  const day = new Date().toISOString().slice(0, 10)
  for (let number = 1; ; number++) {
    const id = derivedId('rpl', [...parts, 'same-replay', bodyHash, day, String(number)])
    const start = await startOf(temporal, workflowIdFor(id))
    if (!start) return { id, known: false }
    if (start.isRunning && Date.now() - start.atMs < sameRequestMs) return { id, known: true }
  }
}

async function startOf(temporal: Client, workflowId: string) {
  try {
    const { status, startTime } = await temporal.workflow.getHandle(workflowId).describe()
    return { isRunning: status.name === 'RUNNING', atMs: startTime.getTime() }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined
    throw error
  }
}
