import type { Client } from '@temporalio/client'
import { findDescription } from '../../temporal/log/event-runs.ts'
import { derivedId } from '../http/idempotency.ts'

/** Identical requests within this time return the same replay while it runs: a double click, or a client that retries. */
const sameRequestMs = 60_000

export interface ChosenReplay {
  id: string
  /** True if the replay was already started: with the same key, or by an identical request less than a minute ago. */
  known: boolean
}

/**
 * Chooses the id of a replay. It is derived from the request, so that Temporal lets only one of several identical requests start
 * it: from the `Idempotency-Key` or, without one, from the body, the day and the number of equal replays on that day.
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
    return { id, known: (await findDescription(temporal, workflowIdFor(id))) !== undefined }
  }
  const day = new Date().toISOString().slice(0, 10)
  for (let number = 1; ; number++) {
    const id = derivedId('rpl', [...parts, 'same-replay', bodyHash, day, String(number)])
    const found = await findDescription(temporal, workflowIdFor(id))
    if (!found) return { id, known: false }
    const isRecent = Date.now() - found.startTime.getTime() < sameRequestMs
    if (isRecent && found.status.name === 'RUNNING') return { id, known: true }
  }
}
