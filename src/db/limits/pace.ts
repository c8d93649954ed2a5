import { withoutReservation, type PaceReservation } from '../../domain/delivery/pace.ts'
import type { Db } from '../client.ts'

/**
 * Reserves the next free time in a destination's pace: times are `gapMs` apart, and the first is now. Uses the database's clock,
 * so that workers need not agree on theirs.
 */
export async function reservePace(db: Db, destinationId: string, gapMs: number): Promise<PaceReservation> {
  const gap = gapMs / 1000
  const [taken] = await db.$queryRaw<{ waitMs: number; number: number }[]>`
    INSERT INTO "Pace" AS pace ("destinationId", "nextAt", "gapMs")
    VALUES (${destinationId}, (clock_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => ${gap}), ${gapMs})
    ON CONFLICT ("destinationId") DO UPDATE SET "taken" = pace."taken" + 1, "gapMs" = ${gapMs}, "nextAt" =
      GREATEST(pace."nextAt", clock_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => ${gap})
    RETURNING "taken" AS "number", (extract(epoch FROM
      "nextAt" - make_interval(secs => ${gap}) - (clock_timestamp() AT TIME ZONE 'UTC')) * 1000)::float8 AS "waitMs"`
  if (!taken) throw new Error(`no slot was returned for the pace of ${destinationId}`)
  return { number: taken.number, at: Math.round(Date.now() + Math.max(0, taken.waitMs)) }
}

/** The conditions for using a reservation: after the earlier ones, and this long after the last use. */
export interface Use {
  inOrder: boolean
  gapMs: number
}

/** Uses a reservation if it is due. Returns whether it was; if not, ask again. */
export async function tryUseReservation(
  db: Db,
  destinationId: string,
  number: number,
  { inOrder, gapMs }: Use,
): Promise<boolean> {
  const used = await db.$executeRaw`
    UPDATE "Pace" SET "used" = GREATEST("used", ${number}), "usedAt" = clock_timestamp() AT TIME ZONE 'UTC',
      "released" = ARRAY(SELECT one FROM unnest("released") AS one WHERE one > GREATEST("used", ${number}))
    WHERE "destinationId" = ${destinationId}
      AND (NOT ${inOrder} OR "used" >= ${number} - 1 -
        (SELECT count(*) FROM unnest("released") AS one WHERE one > "used" AND one < ${number}))
      AND ("usedAt" IS NULL OR
        "usedAt" <= (clock_timestamp() AT TIME ZONE 'UTC') - make_interval(secs => ${gapMs / 1000}))`
  return used === 1
}

/** Releases a reservation that will not be used. Repeating it changes nothing. */
export async function releaseReservation(db: Db, destinationId: string, number: number): Promise<void> {
  await db.$transaction(async (tx) => {
    const [pace] = await tx.$queryRaw<{ taken: number; used: number; released: number[] }[]>`
      SELECT "taken", "used", "released" FROM "Pace" WHERE "destinationId" = ${destinationId} FOR UPDATE`
    const left = pace && withoutReservation(pace, number)
    if (!left) return
    const { taken, released } = left
    await tx.$executeRaw`
      UPDATE "Pace" SET "taken" = ${taken}, "released" = ${[...released]},
        "nextAt" = "nextAt" - make_interval(secs => "gapMs" * ${pace.taken - taken}::int / 1000)
      WHERE "destinationId" = ${destinationId}`
  })
}
