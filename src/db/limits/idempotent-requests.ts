import type { Db } from '../client.ts'

export interface IdempotentRequest {
  /** SHA-256 of the properties that identify the request. */
  id: string
  /** Absent for a platform key. */
  tenantId: string | undefined
  bodyHash: string
}

export interface StoredAnswer {
  status: number
  sealedBody: string
}

export type Claim =
  | { kind: 'claimed' }
  | { kind: 'in-progress' }
  | { kind: 'other-body' }
  | { kind: 'answered'; answer: StoredAnswer }

const answerKeptMs = 24 * 3_600_000

/** A request that has not ended after this time has lost its process, and the next one replaces it. */
const abandonedMs = 60_000

/** Claims a request unless it was made before. Of concurrent ones, only one succeeds. */
export async function claimRequest(db: Db, { id, tenantId, bodyHash }: IdempotentRequest): Promise<Claim> {
  const now = Date.now()
  const [abandoned, forgotten] = [new Date(now - abandonedMs), new Date(now - answerKeptMs)]
  const claimed = await db.$executeRaw`
    INSERT INTO "IdempotentRequest" AS r ("id", "tenantId", "bodyHash", "startedAt")
    VALUES (${id}, ${tenantId ?? null}, ${bodyHash}, ${new Date(now)})
    ON CONFLICT ("id") DO UPDATE SET "bodyHash" = EXCLUDED."bodyHash", "startedAt" = EXCLUDED."startedAt",
      "status" = NULL, "sealedBody" = NULL
    WHERE (r."status" IS NULL AND r."startedAt" < ${abandoned}) OR r."startedAt" < ${forgotten}`
  if (claimed === 1) return { kind: 'claimed' }
  const earlier = await db.idempotentRequest.findUnique({ where: { id } })
  // The earlier request failed and was released just now: the caller should try again.
  if (!earlier) return { kind: 'in-progress' }
  if (earlier.bodyHash !== bodyHash) return { kind: 'other-body' }
  const { status, sealedBody } = earlier
  if (status === null || sealedBody === null) return { kind: 'in-progress' }
  return { kind: 'answered', answer: { status, sealedBody } }
}

export async function storeAnswer(db: Db, id: string, answer: StoredAnswer): Promise<void> {
  await db.idempotentRequest.updateMany({ where: { id }, data: answer })
}

/** Forgets a request that failed, so that it can be corrected and sent again with the same key. */
export async function releaseRequest(db: Db, id: string): Promise<void> {
  await db.idempotentRequest.deleteMany({ where: { id, status: null } })
}

/** Removes answers that are no longer kept. Returns their number. */
export async function sweepRequests(db: Db, now: Date): Promise<number> {
  const before = new Date(now.getTime() - answerKeptMs)
  return (await db.idempotentRequest.deleteMany({ where: { startedAt: { lt: before } } })).count
}
