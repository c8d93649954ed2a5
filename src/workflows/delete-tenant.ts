import { proxyActivities, sleep } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { DeleteTenantInput, DeletionCounts } from './contract/erasures.ts'

/** Repeated until they succeed: what is deleted already is not found again. */
const { deleteExecutions, deleteArchived, deleteRows } = proxyActivities<
  Pick<Activities, 'deleteExecutions' | 'deleteArchived' | 'deleteRows'>
>({
  startToCloseTimeout: '24h',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', maximumInterval: '5m' },
})

/** Requests that were let in before the keys were refused have ended by then, and lists show what they have started. */
const lookAgainMs = 20_000

/** Deletes all that a tenant has: in Temporal until there is nothing left to be found, in the archive, in the database. */
export async function deleteTenant(input: DeleteTenantInput): Promise<DeletionCounts> {
  const counts: DeletionCounts = { executions: 0, archivedFiles: 0, rows: 0 }
  counts.executions += await deleteExecutions(input)
  await sleep(lookAgainMs)
  for (let found = 1; found > 0; counts.executions += found) found = await deleteExecutions(input)
  counts.archivedFiles = await deleteArchived(input)
  counts.rows = await deleteRows({ ...input, counts })
  return counts
}
