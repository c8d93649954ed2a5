import { setTimeout as sleep } from 'node:timers/promises'
import { getClient } from '@temporalio/activity'
import pMap from 'p-map'
import { inArchiveTurn } from '../../db/archive-turns.ts'
import { deleteTenantRows } from '../../db/tenant-deletions.ts'
import { deleteExecution } from '../../temporal/log/delete-execution.ts'
import { listExecutions, maxPageSize, quoted } from '../../temporal/log/executions.ts'
import {
  deleteTenantWorkflowId,
  type DeleteTenantInput,
  type DeletionCounts,
} from '../../workflows/contract/erasures.ts'
import { throwIfCancelled } from '../throw-if-cancelled.ts'
import { whileHeartbeating } from '../heartbeats.ts'
import type { ActivityDeps } from '../deps.ts'

const heartbeatMs = 5_000
const concurrency = 20
/** Temporal removes deleted executions from visibility with a delay. */
const pollMs = 500

/** The activities of `deleteTenant`. All are safe to repeat: deleted data is not found again. */
export function createDeletion({ db, archive, log }: Pick<ActivityDeps, 'db' | 'archive' | 'log'>) {
  /**
   * Deletes all executions of a tenant, of any type and status, until visibility shows none. Returns their number. Their ids
   * begin with the tenant's.
   */
  async function deleteAll(tenantId: string): Promise<number> {
    const client = getClient()
    const own = deleteTenantWorkflowId(tenantId)
    const query = `WorkflowId STARTS_WITH ${quoted(`${tenantId}/`)} AND WorkflowId != ${quoted(own)}`
    const deleted = new Set<string>()
    for (;;) {
      throwIfCancelled()
      const { executions } = await listExecutions(client, query, maxPageSize)
      if (executions.length === 0) return deleted.size
      const left = executions.filter(({ runId }) => !deleted.has(runId))
      await pMap(left, ({ workflowId, runId }) => deleteExecution(client, { workflowId, runId }), {
        concurrency,
      })
      for (const { runId } of left) deleted.add(runId)
      if (left.length === 0) await sleep(pollMs)
    }
  }

  return {
    deleteExecutions({ tenantId }: DeleteTenantInput): Promise<number> {
      return whileHeartbeating(heartbeatMs, () => deleteAll(tenantId))
    },

    async deleteArchived({ tenantId }: DeleteTenantInput): Promise<number> {
      if (!archive) return 0
      const remove = () => archive.removeTenant(tenantId)
      const removed = await whileHeartbeating(heartbeatMs, () =>
        inArchiveTurn(db, tenantId, remove, { deleting: true }),
      )
      return removed ?? 0
    },

    /** Deletes the tenant's rows except the audit log, and marks the deletion as done. */
    async deleteRows({
      tenantId,
      deletionId,
      counts,
    }: DeleteTenantInput & { counts: DeletionCounts }): Promise<number> {
      const rows = await deleteTenantRows(db, { tenantId, deletionId, counts })
      log.info({ tenantId, deletionId, ...counts, rows }, 'tenant.deleted')
      return rows
    },
  }
}
