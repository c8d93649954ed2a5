import type { Db } from '../client.ts'
import { routable, type Destination } from './destinations.ts'

/** A destination as an attempt saw it. The attempt's outcome does not affect a destination that was changed since. */
export type DestinationVersion = Pick<Destination, 'id' | 'version'>

/** `recoveries` is given if an arrival since the attempt counts as a change, too. */
export interface DestinationSeen extends DestinationVersion {
  recoveries?: number
}

/** True if the destination's target and status are still those of the attempt. */
export async function isUnchanged(db: Db, seen: DestinationSeen): Promise<boolean> {
  return (await db.destination.count({ where: unchanged(seen) })) > 0
}

function unchanged({ id, version, recoveries }: DestinationSeen) {
  return { id, version, recoveries }
}

/** The first failure since a delivery last arrived counts. */
export async function recordFailure(db: Db, { id, version }: DestinationVersion): Promise<void> {
  // In SQL, because Prisma would set `updatedAt`, which is the time of the last change of the configuration.
  await db.$executeRaw`
    UPDATE "Destination" SET "failingSince" = ${new Date()}
    WHERE "id" = ${id} AND "version" = ${version} AND "failingSince" IS NULL`
}

export async function recordArrival(db: Db, { id, version }: DestinationVersion): Promise<void> {
  await db.$executeRaw`
    UPDATE "Destination" SET "failingSince" = NULL, "recoveries" = "recoveries" + 1
    WHERE "id" = ${id} AND "version" = ${version}`
}

/**
 * Disables a destination until it is resumed, with a reason that is shown wherever it is. Returns the destination if it is
 * disabled now, by this call or another.
 */
export async function disableDestination(db: Db, seen: DestinationSeen, statusReason: string) {
  await db.destination.updateMany({
    where: { ...unchanged(seen), status: 'active' },
    data: { status: 'disabled', statusReason, statusAt: new Date(), version: { increment: 1 } },
  })
  const row = await db.destination.findFirst({
    where: { id: seen.id, status: 'disabled' },
    omit: { config: true, sealed: true },
  })
  return row ? { ...row, ...routable(row) } : undefined
}
