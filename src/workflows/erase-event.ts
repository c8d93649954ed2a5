import { proxyActivities, sleep } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { EraseEventInput, ErasureCounts } from './contract/erasures.ts'

/** Repeated until they succeed: what is erased already is not found again. */
const { endRuns, eraseRuns, eraseArchived, concludeErasure } = proxyActivities<
  Pick<Activities, 'endRuns' | 'eraseRuns' | 'eraseArchived' | 'concludeErasure'>
>({
  startToCloseTimeout: '2h',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', maximumInterval: '5m' },
})

/**
 * What was begun with the event's data at hand, just before the erasure was asked for, is started and shown by lists within this
 * time; what begins later asks first.
 */
const lookAgainMs = 5_000

/**
 * Erases an event, and the digests that tell of it: in Temporal, then in the archive, and again until there is nothing left
 * to be found.
 */
export async function eraseEvent(input: EraseEventInput): Promise<ErasureCounts> {
  const counts: ErasureCounts = { runs: 0, digests: 0, archivedLines: 0 }
  // Events to erase: those that are added while it is walked through are walked through as well.
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

/** Erases what there is now. Answers with how much that was. */
async function eraseOnce(
  input: EraseEventInput,
  eventIds: Set<string>,
  counts: ErasureCounts,
): Promise<number> {
  let found = 0
  for (const eventId of eventIds) {
    const { runs, late, digestIds } = await eraseRunsOf({ ...input, eventId })
    for (const digestId of digestIds) eventIds.add(digestId)
    counts.runs += runs
    found += runs + late
  }
  const { lines, digestIds } = await eraseArchived(input)
  for (const digestId of digestIds) eventIds.add(digestId)
  counts.archivedLines += lines
  return found + lines
}

async function eraseRunsOf(input: EraseEventInput) {
  await endRuns(input)
  return eraseRuns(input)
}
