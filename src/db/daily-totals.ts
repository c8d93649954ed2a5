import { toDay, endOfDay, startOfDay, type RollUpState } from '../domain/days.ts'
import type { DeliveryCounts, DestinationTotal } from '../domain/delivery/destination-total.ts'
import type { Db, Tx } from './client.ts'
import type { Prisma } from './generated/client.ts'

export interface DayTotals {
  day: string
  totals: readonly DestinationTotal[]
  executions: number
  archived: boolean
  countedUntil: Date
}

/** One statement takes 65,535 values at most. */
const rowsAtOnce = 1_000

/** Atomically replaces a day's totals. Tenants that are being deleted get none. */
export async function replaceDay(db: Db, { day, totals, ...rolled }: DayTotals): Promise<void> {
  const { executions, archived, countedUntil: doneAt } = rolled
  const at = startOfDay(day)
  const facts = { executions, archived, doneAt }
  await db.$transaction(
    async (tx) => {
      // First, so that concurrent writers of the same day wait for each other.
      await tx.rolledDay.upsert({ where: { day: at }, create: { day: at, ...facts }, update: facts })
      await tx.dailyTotal.deleteMany({ where: { day: at } })
      const kept = await keptTenants(tx, totals)
      const rows = totals.filter(({ tenantId }) => kept.has(tenantId)).map((total) => ({ ...total, day: at }))
      for (let from = 0; from < rows.length; from += rowsAtOnce)
        await tx.dailyTotal.createMany({ data: rows.slice(from, from + rowsAtOnce) })
    },
    { timeout: replaceTimeoutMs },
  )
}

const replaceTimeoutMs = 60_000

/** Returns those of the tenants that are not being deleted, and locks them until the transaction ends. */
async function keptTenants(tx: Tx, of: readonly { tenantId: string }[]): Promise<Set<string>> {
  const ids = [...new Set(of.map(({ tenantId }) => tenantId))]
  const kept = await tx.$queryRaw<{ id: string }[]>`
    SELECT "id" FROM "Tenant" WHERE "id" = ANY(${ids}) AND "deletingAt" IS NULL FOR SHARE`
  return new Set(kept.map(({ id }) => id))
}

/** Reads the state that `dueDays` needs, except `archiving`, which the caller knows. */
export async function readRollUpState(db: Db): Promise<Omit<RollUpState, 'archiving'>> {
  const [oldest, days] = await Promise.all([
    db.tenant.findFirst({ orderBy: { createdAt: 'asc' }, select: { createdAt: true } }),
    db.rolledDay.findMany({ orderBy: { day: 'desc' }, take: rolledDaysRead }),
  ])
  const rolled = days.map(({ day, doneAt, archived }) => ({
    day: toDay(day),
    countedUntil: doneAt,
    archived,
  }))
  return { since: oldest?.createdAt, rolled }
}

/** More than are ever looked back at. */
const rolledDaysRead = 120

export async function findRolledDay(db: Db, day: string) {
  return db.rolledDay.findUnique({ where: { day: startOfDay(day) } })
}

export interface RolledTotals extends DeliveryCounts {
  /** The totals include exactly what ended before this time. Absent if no day was rolled up yet. */
  until: Date | undefined
  lastAttemptAt: string | undefined
}

/** A destination's totals over all days that were rolled up. */
export async function readRolledTotals(db: Db, destinationId: string): Promise<RolledTotals> {
  const { until, totals } = await readRolledTotalsByDestination(db, { destinationId })
  return { until, ...(totals.get(destinationId) ?? nothing) }
}

const nothing = { total: 0, succeeded: 0, failed: 0, lastAttemptAt: undefined }

/** The same for each destination that matches, such as all destinations of an environment. */
export async function readRolledTotalsByDestination(
  db: Db,
  which: Prisma.DailyTotalWhereInput,
): Promise<{ until: Date | undefined; totals: Map<string, Omit<RolledTotals, 'until'>> }> {
  const newest = await db.rolledDay.findFirst({ orderBy: { day: 'desc' } })
  if (!newest) return { until: undefined, totals: new Map() }
  const sums = await db.dailyTotal.groupBy({
    by: 'destinationId',
    // Up to that day, because another one may be added between the two queries.
    where: { ...which, day: { lte: newest.day } },
    _sum: { total: true, succeeded: true, failed: true },
    _max: { lastAttemptAt: true },
  })
  return {
    // A day that was rolled up before it ended is counted only up to that time.
    until: [endOfDay(toDay(newest.day)), newest.doneAt].sort(byTime)[0],
    totals: new Map(
      sums.map(({ destinationId, _sum, _max }) => [
        destinationId,
        {
          total: _sum.total ?? 0,
          succeeded: _sum.succeeded ?? 0,
          failed: _sum.failed ?? 0,
          lastAttemptAt: _max.lastAttemptAt?.toISOString(),
        },
      ]),
    ),
  }
}

/** A destination's daily totals, from a day on. Days without deliveries are omitted. */
export async function readDailyTotals(db: Db, destinationId: string, from: string) {
  const rows = await db.dailyTotal.findMany({ where: { destinationId, day: { gte: startOfDay(from) } } })
  return rows.map(({ day, total, succeeded, failed }) => ({ day: toDay(day), total, succeeded, failed }))
}

function byTime(left: Date, right: Date): number {
  return left.getTime() - right.getTime()
}
