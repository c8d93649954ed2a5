import { typeid } from 'typeid-js'
import type { Db, Tx } from './client.ts'
import type { TenantDeletion } from './generated/client.ts'

export interface DeletionCounts {
  executions: number
  archivedFiles: number
}

export function createDeletion(tx: Tx, tenantId: string): Promise<TenantDeletion> {
  return tx.tenantDeletion.create({ data: { id: typeid('del').toString(), tenantId } })
}

export function findTenantDeletion(db: Tx, tenantId: string): Promise<TenantDeletion | null> {
  return db.tenantDeletion.findUnique({ where: { tenantId } })
}

export function findDeletion(db: Tx, id: string): Promise<TenantDeletion | null> {
  return db.tenantDeletion.findUnique({ where: { id } })
}

/** Many rows may go. */
const timeoutMs = 5 * 60_000

/**
 * Atomically deletes the tenant's rows except the audit log, and marks the deletion as done. Returns the number of rows deleted
 * besides the cascade.
 */
export function deleteTenantRows(
  db: Db,
  { tenantId, deletionId, counts }: { tenantId: string; deletionId: string; counts: DeletionCounts },
): Promise<number> {
  return db.$transaction(
    async (tx) => {
      // Writers for the tenant (a roll-up of totals, a route that changes settings) hold this row: waits for them.
      await tx.$queryRaw`SELECT 1 FROM "Tenant" WHERE "id" = ${tenantId} FOR UPDATE`
      const rows = await deleteLooseRows(tx, tenantId)
      await tx.tenant.deleteMany({ where: { id: tenantId } })
      const { executions, archivedFiles } = counts
      await tx.tenantDeletion.updateMany({
        where: { id: deletionId, completedAt: null },
        data: { executions, archivedFiles, rows, completedAt: new Date() },
      })
      return rows
    },
    { timeout: timeoutMs },
  )
}

/** Deletes the tenant's rows in tables without a foreign key to it, which no cascade deletes. */
async function deleteLooseRows(tx: Tx, tenantId: string): Promise<number> {
  const passes = await tx.$executeRaw`
    DELETE FROM "RulePass" WHERE "ruleId" IN (SELECT "ruleId" FROM "RuleVersion" WHERE "tenantId" = ${tenantId})`
  const deleted = [
    await tx.ruleVersion.deleteMany({ where: { tenantId } }),
    await tx.templateVersion.deleteMany({ where: { tenantId } }),
    await tx.dailyTotal.deleteMany({ where: { tenantId } }),
    // Ids are random, so no other key contains this one.
    await tx.rateLimiterFlexible.deleteMany({ where: { key: { contains: tenantId } } }),
  ]
  return deleted.reduce((sum, { count }) => sum + count, passes)
}
