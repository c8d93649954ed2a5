import type { TenantLag } from '../../domain/limits/tenant-lag.ts'
import type { Db } from '../client.ts'

/** Workers report every second while they are late. An older report is no longer true. */
const validForSeconds = 10
const readEveryMs = 1_000
/** Rows of workers that were killed, which could not delete them. */
const deleteAfterSeconds = 3_600

/** Replaces this worker's rows. Uses the database's clock. */
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
 * Returns a function that says how late the workers are because of a tenant (ms). It never waits for the database: it answers from
 * the last reports that were read, reads new ones in the background at most once a second, and disregards them once they are old.
 */
export function createReportedLag(db: Db, now: () => number = Date.now): (tenantId: string) => number {
  let reports = new Map<string, number>()
  let readAt = -Infinity
  let askedAt = -Infinity

  async function read(): Promise<void> {
    const rows = await db.$queryRaw<TenantLag[]>`
      SELECT "tenantId", max("lateMs") AS "lateMs" FROM "TenantLag"
      WHERE "reportedAt" > (now() AT TIME ZONE 'UTC') - make_interval(secs => ${validForSeconds})
      GROUP BY "tenantId"`
    reports = new Map(rows.map(({ tenantId, lateMs }) => [tenantId, lateMs]))
    readAt = now()
  }

  return (tenantId) => {
    if (now() - askedAt > readEveryMs) {
      askedAt = now()
      // Without an answer, the last reports are used until they are old.
      read().catch(() => undefined)
    }
    return now() - readAt < validForSeconds * 1000 ? (reports.get(tenantId) ?? 0) : 0
  }
}
