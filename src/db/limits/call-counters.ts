import type { CallCounters, CallWindow, WindowState } from '../../domain/limits/call-counters.ts'
import type { Db } from '../client.ts'
import { createIngestBuckets } from './ingest-buckets.ts'

/** Counters in the database, by its clock: limits apply across all API processes. */
export function createSharedCounters(db: Db): CallCounters {
  return {
    countCall: (windows) => countCall(db, windows),
    refundCall: (windows) => refundCall(db, windows),
    ...createIngestBuckets(db),
  }
}

/** Removes windows that have ended, and buckets that are full again. Returns their number. */
export async function sweepCounters(db: Db, now: Date): Promise<number> {
  const [windows, buckets] = await Promise.all([
    db.callWindow.deleteMany({ where: { endsAt: { lte: now } } }),
    db.ingestBucket.deleteMany({
      where: { paidAtMs: { lte: now.getTime() }, promisedAtMs: { lte: now.getTime() } },
    }),
  ])
  return windows.count + buckets.count
}

/**
 * Counts a call in all windows with one statement. Two concurrent calls may both pass as the last one, so the limit is exact for
 * consecutive calls and exceeded by at most the calls in flight.
 */
async function countCall(db: Db, windows: readonly CallWindow[]): Promise<WindowState[]> {
  const keys = windows.map(({ key }) => key)
  const maxima = windows.map(({ max }) => max)
  const lengths = windows.map(({ seconds }) => seconds)
  const rows = await db.$queryRaw<(WindowState & { key: string })[]>`
    WITH clock AS MATERIALIZED (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now),
    asked AS (
      SELECT a.key, a.max, CASE WHEN w."endsAt" > now THEN w.calls ELSE 0 END AS calls,
        CASE WHEN w."endsAt" > now THEN w."endsAt" ELSE now + make_interval(secs => a.seconds) END AS "endsAt"
      FROM unnest(${keys}::text[], ${maxima}::int[], ${lengths}::int[]) AS a(key, max, seconds)
      CROSS JOIN clock LEFT JOIN "CallWindow" w ON w.key = a.key
    ),
    verdict AS (SELECT bool_and(calls < max) AS passes FROM asked),
    counted AS (
      INSERT INTO "CallWindow" AS w (key, calls, "endsAt")
      SELECT key, 1, "endsAt" FROM asked, verdict WHERE passes ORDER BY key
      ON CONFLICT (key) DO UPDATE SET "endsAt" = EXCLUDED."endsAt",
        calls = CASE WHEN w."endsAt" = EXCLUDED."endsAt" THEN w.calls + 1 ELSE 1 END
    )
    SELECT key, calls + CASE WHEN passes THEN 1 ELSE 0 END AS calls, calls >= max AS full,
      (extract(epoch FROM "endsAt" - now) * 1000)::float8 AS "leftMs"
    FROM asked, verdict, clock`
  const states = new Map(rows.map(({ key, ...state }) => [key, state]))
  return windows.map(({ key }) => states.get(key) ?? { calls: 1, leftMs: 0, full: false })
}

/** A window that has ended meanwhile is left alone. */
async function refundCall(db: Db, windows: readonly CallWindow[]): Promise<void> {
  const keys = windows.map(({ key }) => key)
  await db.$executeRaw`
    UPDATE "CallWindow" SET calls = calls - 1
    WHERE key = ANY(${keys}::text[]) AND calls > 0 AND "endsAt" > clock_timestamp() AT TIME ZONE 'UTC'`
}
