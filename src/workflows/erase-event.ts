import { proxyActivities, sleep } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { EraseEventInput, ErasureCounts } from './contract/erasures.ts'

/** Idempotent, so they are retried until they succeed: what has been erased is not found again. */
const { endRuns, eraseRuns, eraseArchived, concludeErasure } = proxyActivities<
  Pick<Activities, 'endRuns' | 'eraseRuns' | 'eraseArchived' | 'concludeErasure'>
>({
  startToCloseTimeout: '2h',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', maximumInterval: '5m' },
})

/**
 * A request that had read the event's data just before the erasure was requested starts its workflow, and visibility shows it,
 * within this time. Later requests check for an erasure first.
 */
const lookAgainMs = 5_000

/**
 * Erases an event and the digests that contain it: in Temporal, then in the archive, repeatedly until nothing more is found.
 */
export async function eraseEvent(input: EraseEventInput): Promise<ErasureCounts> {
  const counts: ErasureCounts = { runs: 0, digests: 0, archivedLines: 0 }
  // Iterating over a Set also visits ids that are added meanwhile.
  const eventIds = new Set([input.eventId])
  await eraseOnce(input, eventIds, counts)
  let found: number
  do {
    await sleep(lookAgainMs)
    found = await eraseOnce(input, eventIds, counts)
  } while (found > 0)
  counts.digests = eventIds.size - 1
  await concludeErasure({ ...input, counts })
  return counts
}

/** Makes one pass. Returns how many runs and archived lines it found. */
async function eraseOnce(
  input: EraseEventInput,
  eventIds: Set<string>,
  counts: ErasureCounts,
): Promise<number> {
  let found = 0
  for (const eventId of eventIds) {
    const { runs, late, digestIds } = await eraseRunsOnce({ ...input, eventId })
    for (const digestId of digestIds) eventIds.add(digestId)
    counts.runs += runs
    found += runs + late
  }
  const { lines, digestIds } = await eraseArchived(input)
  for (const digestId of digestIds) eventIds.add(digestId)
  counts.archivedLines += lines
  return found + lines
}

async function eraseRunsOnce(input: EraseEventInput) {
  await endRuns(input)
  return eraseRuns(input)
}
