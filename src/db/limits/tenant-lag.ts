import type { TenantLag } from '../../domain/limits/tenant-lag.ts'
import type { Db } from '../client.ts'

/** Workers report every second; a report that is older is of a worker that has gone. */
const validForSeconds = 10
const refreshEveryMs = 1_000
/** What a worker left when it was killed. */
const deleteAfterSeconds = 3_600

/** Replaces what this worker has reported. Uses the database's clock. */
export async function reportTenantLag(db: Db, worker: string, lags: TenantLag[]): Promise<void> {
  const tenantIds = lags.map(({ tenantId }) => tenantId)
  const lateMs = lags.map((lag) => lag.lateMs)
  await db.$executeRaw`
    DELETE FROM "TenantLag" WHERE ("worker" = ${worker} AND NOT "tenantId" = ANY(${tenantIds}))
      OR "reportedAt" < (now() AT TIME ZONE 'UTC') - make_interval(secs => ${deleteAfterSeconds})`
  await db.$executeRaw`
    INSERT INTO "TenantLag" ("worker", "tenantId", "lateMs", "reportedAt")
    SELECT ${worker}, *, now() AT TIME ZONE 'UTC' FROM unnest(${tenantIds}::text[], ${lateMs}::int[])
    ON CONFLICT ("worker", "tenantId") DO UPDATE
      SET "lateMs" = excluded."lateMs", "reportedAt" = excluded."reportedAt"`
}

/**
 * Returns how late the workers are because of a tenant (ms), as they reported it about a second ago. Never waits: a question asks
 * the database for the next ones, and no answer from it changes nothing.
 */
export function createReportedLag(db: Db): (tenantId: string) => number {
  let known = new Map<string, number>()
  let askedAt = -Infinity

  async function refresh(): Promise<void> {
    const rows = await db.$queryRaw<TenantLag[]>`
      SELECT "tenantId", max("lateMs") AS "lateMs" FROM "TenantLag"
      WHERE "reportedAt" > (now() AT TIME ZONE 'UTC') - make_interval(secs => ${validForSeconds})
      GROUP BY "tenantId"`
    known = new Map(rows.map(({ tenantId, lateMs }) => [tenantId, lateMs]))
  }

  return (tenantId) => {
    const now = Date.now()
    if (now - askedAt > refreshEveryMs) {
      askedAt = now
      refresh().catch(() => (known = new Map()))
    }
    return known.get(tenantId) ?? 0
  }
}
