import type { Db } from '../client.ts'
import { routable, type Destination } from './destinations.ts'

/** A destination as an attempt was made at it. The attempt's outcome changes nothing of one that was changed since. */
export type DestinationVersion = Pick<Destination, 'id' | 'version'>

/** `recoveries` is given where an arrival since the attempt counts as a change, too. */
export interface DestinationSeen extends DestinationVersion {
  recoveries?: number
}

/** Whether its target and its status are still those of the attempt. */
export async function isUnchanged(db: Db, seen: DestinationSeen): Promise<boolean> {
  return (await db.destination.count({ where: unchanged(seen) })) > 0
}

function unchanged({ id, version, recoveries }: DestinationSeen) {
  return { id, version, recoveries }
}

/** The first failure since a delivery last arrived counts. */
export async function noteFailure(db: Db, { id, version }: DestinationVersion): Promise<void> {
  // Written in SQL, as Prisma would set `updatedAt`, which tells when the configuration changed.
  await db.$executeRaw`
    UPDATE "Destination" SET "failingSince" = ${new Date()}
    WHERE "id" = ${id} AND "version" = ${version} AND "failingSince" IS NULL`
}

export async function noteArrival(db: Db, { id, version }: DestinationVersion): Promise<void> {
  await db.$executeRaw`
    UPDATE "Destination" SET "failingSince" = NULL, "recoveries" = "recoveries" + 1
    WHERE "id" = ${id} AND "version" = ${version}`
}

/**
 * Ends deliveries to a destination until somebody resumes it; the reason is shown wherever it is. Answers with it if it is
 * disabled now, whoever did it.
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
