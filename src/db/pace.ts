import type { Place } from '../domain/pace.ts'
import type { Db } from './client.ts'

/**
 * Takes the next free place in a destination's pace: places are a second divided by `perSecond` apart, and the first is now.
 * The database's clock counts, so that workers need not agree on theirs.
 */
export async function takePlace(db: Db, destinationId: string, perSecond: number): Promise<Place> {
  const gapSeconds = 1 / perSecond
  const [taken] = await db.$queryRaw<{ waitMs: number; number: number }[]>`
    INSERT INTO "Pace" AS pace ("destinationId", "nextAt")
    VALUES (${destinationId}, (clock_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => ${gapSeconds}))
    ON CONFLICT ("destinationId") DO UPDATE SET "taken" = pace."taken" + 1, "nextAt" =
      GREATEST(pace."nextAt", clock_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => ${gapSeconds})
    RETURNING "taken" AS "number", (extract(epoch FROM
      "nextAt" - make_interval(secs => ${gapSeconds}) - (clock_timestamp() AT TIME ZONE 'UTC')) * 1000)::float8 AS "waitMs"`
  if (!taken) throw new Error(`no place was given in the pace of ${destinationId}`)
  return { number: taken.number, at: Math.round(Date.now() + Math.max(0, taken.waitMs)) }
}

/**
 * Uses a place if the one before it was used, and half of the time between two ago: attempts that are late catch up at no more
 * than twice the pace, and do not arrive in each other's place. Says whether it could be used, or is to be asked for again.
 */
export async function usePlace(
  db: Db,
  destinationId: string,
  number: number,
  perSecond: number,
): Promise<boolean> {
  const used = await db.$executeRaw`
    UPDATE "Pace" SET "used" = GREATEST("used", ${number}), "usedAt" = clock_timestamp() AT TIME ZONE 'UTC'
    WHERE "destinationId" = ${destinationId} AND "used" >= ${number - 1} AND ("usedAt" IS NULL OR
      "usedAt" <= (clock_timestamp() AT TIME ZONE 'UTC') - make_interval(secs => ${0.5 / perSecond}))`
  return used === 1
}

/** Likewise, whatever became of those before it. */
export async function usePlaceAnyway(db: Db, destinationId: string, number: number): Promise<void> {
  await db.$executeRaw`
    UPDATE "Pace" SET "used" = GREATEST("used", ${number}), "usedAt" = clock_timestamp() AT TIME ZONE 'UTC'
    WHERE "destinationId" = ${destinationId}`
}
