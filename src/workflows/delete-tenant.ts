import { proxyActivities, sleep } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { DeleteTenantInput, DeletionCounts } from './contract/erasures.ts'

/** Idempotent, so they are retried until they succeed: what has been deleted is not found again. */
const { deleteExecutions, deleteArchived, deleteRows } = proxyActivities<
  Pick<Activities, 'deleteExecutions' | 'deleteArchived' | 'deleteRows'>
>({
  startToCloseTimeout: '24h',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', maximumInterval: '5m' },
})

/** After this time, requests that were admitted before the keys were revoked have ended, and visibility shows what they started. */
const lookAgainMs = 20_000

/** Deletes a tenant's data: in Temporal until nothing more is found, then in the archive, then in the database. */
export async function deleteTenant(input: DeleteTenantInput): Promise<DeletionCounts> {
  const counts: DeletionCounts = { executions: 0, archivedFiles: 0, rows: 0 }
  counts.executions += await deleteExecutions(input)
  await sleep(lookAgainMs)
  for (let found = 1; found > 0; counts.executions += found) found = await deleteExecutions(input)
  counts.archivedFiles = await deleteArchived(input)
  counts.rows = await deleteRows({ ...input, counts })
  return counts
}
