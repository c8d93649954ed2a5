import { typeid } from 'typeid-js'
import type { ErasureRequest } from '../domain/redaction/erasure.ts'
import type { Db, Tx } from './client.ts'
import type { Scope } from './destinations/destinations.ts'
import type { Erasure } from './generated/client.ts'

export interface ErasureCounts {
  runs: number
  digests: number
  archivedLines: number
}

export function createErasure(
  tx: Tx,
  scope: Scope,
  asked: { eventId: string; reason?: string },
): Promise<Erasure> {
  return tx.erasure.create({
    // Uses the same clock that sets the times of events.
    data: { id: typeid('era').toString(), createdAt: new Date(), ...scope, ...asked },
  })
}

export function findErasure(db: Tx, scope: Scope, id: string): Promise<Erasure | null> {
  return db.erasure.findFirst({ where: { ...scope, id } })
}

/** The newest of an event. */
export function findNewestErasure(db: Tx, scope: Scope, eventId: string): Promise<Erasure | null> {
  return db.erasure.findFirst({ where: { ...scope, eventId }, orderBy: { createdAt: 'desc' } })
}

/** Written once: a repeated erasure finds nothing and would record that. */
export async function concludeErasure(db: Db, id: string, counted: ErasureCounts): Promise<void> {
  const { runs, digests, archivedLines } = counted
  await db.erasure.updateMany({
    where: { id, completedAt: null },
    data: { runs, digests, archivedLines, completedAt: new Date() },
  })
}

/** The erasure requests for these events. */
export async function findErasures(
  db: Tx,
  scope: Scope,
  eventIds: readonly string[],
): Promise<ErasureRequest[]> {
  const ids = [...new Set(eventIds)]
  return toRequests(await db.erasure.findMany({ where: { ...scope, eventId: { in: ids } }, select }))
}

/** The erasures that were not complete at that time, whatever their state now. */
export async function findErasuresSince(db: Tx, scope: Scope, since: Date): Promise<ErasureRequest[]> {
  const open = { OR: [{ completedAt: null }, { completedAt: { gte: since } }] }
  return toRequests(await db.erasure.findMany({ where: { ...scope, ...open }, select }))
}

const select = { id: true, eventId: true, createdAt: true } as const

function toRequests(rows: readonly Pick<Erasure, 'id' | 'eventId' | 'createdAt'>[]): ErasureRequest[] {
  return rows.map(({ id, eventId, createdAt }) => ({ erasureId: id, eventId, at: createdAt.toISOString() }))
}

/** No part of an event, but its id. */
export async function deleteRulePasses(
  db: Db,
  { tenantId, environment }: Scope,
  eventId: string,
): Promise<void> {
  await db.$executeRaw`
    DELETE FROM "RulePass" WHERE "eventId" = ${eventId} AND "ruleId" IN (
      SELECT "ruleId" FROM "RuleVersion" WHERE "tenantId" = ${tenantId} AND "environment" = ${environment})`
}
