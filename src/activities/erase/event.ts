import { getClient } from '@temporalio/activity'
import type { Archive } from '../../archive/archive.ts'
import { eraseInPlace, withoutErased } from '../../archive/rewrite.ts'
import { inArchiveTurn } from '../../db/archive-turns.ts'
import { concludeErasure, deleteRulePasses } from '../../db/erasures.ts'
import { listDigestIds } from '../../domain/redaction/erasure.ts'
import type { EraseEventInput, ErasureCounts } from '../../workflows/contract/erasures.ts'
import { throwIfCancelled } from '../throw-if-cancelled.ts'
import { endEventRuns } from './end-runs.ts'
import { eraseEventRuns } from './runs.ts'
import { whileHeartbeating } from '../heartbeats.ts'
import type { ActivityDeps } from '../deps.ts'

/** The loss of a worker is noticed after half a minute (src/workflows/erase-event.ts). */
const heartbeatMs = 5_000

/** The activities of `eraseEvent`. All are safe to repeat: erased data is not found again. */
export function createErasure({ db, archive, log }: Pick<ActivityDeps, 'db' | 'archive' | 'log'>) {
  return {
    /** Ends the runs that still wait, so that nothing more is sent and the log is complete. */
    endRuns(input: EraseEventInput): Promise<void> {
      return whileHeartbeating(heartbeatMs, () => endEventRuns(getClient(), input, throwIfCancelled))
    },

    /**
     * Replaces each run by a tombstone without the payload. Returns the number of runs, the number of late acknowledgements that
     * were deleted, and the ids of the digests that include the event.
     */
    eraseRuns(input: EraseEventInput): Promise<{ runs: number; late: number; digestIds: string[] }> {
      return whileHeartbeating(heartbeatMs, () => eraseEventRuns(getClient(), input, throwIfCancelled))
    },

    async eraseArchived(input: EraseEventInput): Promise<{ lines: number; digestIds: string[] }> {
      if (!archive) return { lines: 0, digestIds: [] }
      return whileHeartbeating(heartbeatMs, () => eraseInArchive(archive, input))
    },

    async concludeErasure({ counts, ...input }: EraseEventInput & { counts: ErasureCounts }): Promise<void> {
      const { tenantId, environment, eventId, erasureId } = input
      await deleteRulePasses(db, { tenantId, environment }, eventId)
      await concludeErasure(db, erasureId, counts)
      log.info({ tenantId, environment, eventId, erasureId, ...counts }, 'event.erased')
    },
  }

  /**
   * Erases the event's lines in the archive, including those of digests that contain it. Returns the digests that may have runs
   * in Temporal.
   */
  async function eraseInArchive(
    archive: Archive,
    { tenantId, environment, eventId, ...by }: EraseEventInput,
  ) {
    const asked = [{ eventId, erasureId: by.erasureId, at: by.at }]
    const digestIds = new Set<string>()
    let lines = 0
    for (const day of await archive.days({ tenantId, environment })) {
      throwIfCancelled()
      const place = { tenantId, environment, day }
      // Most days do not contain the event: they are only read, without waiting for a turn to write.
      if (!(await holdsAny(archive, place, asked))) continue
      const changed = await inArchiveTurn(db, tenantId, () => eraseInPlace(archive, place, asked))
      for (const { event, timeline } of changed ?? []) {
        if (event.id !== eventId) digestIds.add(event.id)
        for (const id of listDigestIds(timeline)) digestIds.add(id)
      }
      lines += changed?.length ?? 0
    }
    return { lines, digestIds: [...digestIds] }
  }
}

async function holdsAny(
  archive: Archive,
  place: Parameters<Archive['read']>[0],
  asked: Parameters<typeof withoutErased>[1],
): Promise<boolean> {
  for await (const run of archive.read(place)) {
    throwIfCancelled()
    if (withoutErased(run, asked) !== run) return true
  }
  return false
}
