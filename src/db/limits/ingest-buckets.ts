import type { CallCounters } from '../../domain/limits/call-counters.ts'
import {
  returnTo,
  takeFrom,
  type IngestBucket,
  type IngestVerdict,
} from '../../domain/limits/ingest-bucket.ts'
import type { Db } from '../client.ts'

/** What a call wants of its tenant's bucket: changes it and answers the call. */
type Change = (bucket: IngestBucket, nowMs: number) => IngestBucket

interface Waiting {
  /** Called again on the bucket as it is by then, if another process has changed it meanwhile. */
  change: Change
  settle: (error?: Error) => void
}

/**
 * The tenants' ingest buckets in the database, by its clock. Each process makes one change of a tenant's bucket at a time, for all
 * calls that have arrived meanwhile: calls that each tried to change it on their own would wait for one another's locks and then
 * fail, again and again, the more the more there are.
 */
export function createIngestBuckets(db: Db): Pick<CallCounters, 'takeEvents' | 'returnEvents'> {
  const waiting = new Map<string, Waiting[]>()

  function changeBucket(tenantId: string, change: Change): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => (error ? reject(error) : resolve())
      const queue = waiting.get(tenantId)
      if (queue) {
        queue.push({ change, settle })
        return
      }
      waiting.set(tenantId, [{ change, settle }])
      void work(tenantId)
    })
  }

  /** Changes the tenant's bucket until no call waits for it. */
  async function work(tenantId: string): Promise<void> {
    for (let group = takeGroup(tenantId); group.length > 0; group = takeGroup(tenantId)) {
      const changes = group.map(({ change }) => change)
      const error = await changeTogether(db, tenantId, changes).catch((cause: unknown) => cause as Error)
      for (const { settle } of group) settle(error)
    }
    waiting.delete(tenantId)
  }

  function takeGroup(tenantId: string): Waiting[] {
    const group = waiting.get(tenantId) ?? []
    waiting.set(tenantId, [])
    return group
  }

  return {
    async takeEvents({ tenantId, ...asked }) {
      let verdict: IngestVerdict | undefined
      await changeBucket(tenantId, (bucket, nowMs) => {
        verdict = takeFrom(bucket, { ...asked, nowMs })
        return verdict.bucket
      })
      if (!verdict) throw new Error(`the ingest bucket of ${tenantId} was not asked`)
      return verdict
    },
    returnEvents: ({ tenantId, ...returned }) =>
      changeBucket(tenantId, (bucket) => returnTo(bucket, returned)),
  }
}

/** Makes the changes one after the other, in one statement. */
async function changeTogether(db: Db, tenantId: string, changes: readonly Change[]): Promise<undefined> {
  for (;;) {
    const { nowMs, ...read } = await readBucket(db, tenantId)
    const changed = changes.reduce((bucket, change) => change(bucket, nowMs), read)
    if (await replaceBucket(db, tenantId, read, changed)) return
  }
}

async function readBucket(db: Db, tenantId: string): Promise<IngestBucket & { nowMs: number }> {
  const [row] = await db.$queryRaw<(IngestBucket & { nowMs: number })[]>`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs",
      coalesce("paidAtMs", 0) AS "paidAtMs", coalesce("promisedAtMs", 0) AS "promisedAtMs"
    FROM (SELECT 1) AS one LEFT JOIN "IngestBucket" ON "tenantId" = ${tenantId}`
  return row ?? { nowMs: Date.now(), paidAtMs: 0, promisedAtMs: 0 }
}

/** Compare and swap. Returns false if another process has changed the bucket since it was read. */
async function replaceBucket(
  db: Db,
  tenantId: string,
  read: IngestBucket,
  { paidAtMs, promisedAtMs }: IngestBucket,
): Promise<boolean> {
  const changed = await db.$executeRaw`
    INSERT INTO "IngestBucket" AS b ("tenantId", "paidAtMs", "promisedAtMs")
    VALUES (${tenantId}, ${paidAtMs}::float8, ${promisedAtMs}::float8)
    ON CONFLICT ("tenantId") DO UPDATE
    SET "paidAtMs" = EXCLUDED."paidAtMs", "promisedAtMs" = EXCLUDED."promisedAtMs"
    WHERE b."paidAtMs" = ${read.paidAtMs}::float8 AND b."promisedAtMs" = ${read.promisedAtMs}::float8`
  return changed === 1
}
