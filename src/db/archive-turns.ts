import pLimit from 'p-limit'
import type { Db, Tx } from './client.ts'

/** A day's file may be large, and the previous holder of the turn may be writing another one. */
const patience = { maxWait: 60_000, timeout: 30 * 60_000 }

/** Each turn holds a connection while it writes to the archive, which may be slow: most of the pool stays free. */
const limit = pLimit(2)

/**
 * Serialises writes to a tenant's archive: a roll-up, an erasure and a deletion would otherwise undo each other. Returns
 * `undefined` without doing anything if the tenant is being deleted, unless the deletion itself asks.
 */
export function inArchiveTurn<Result>(
  db: Db,
  tenantId: string,
  write: (tx: Tx) => Promise<Result>,
  { deleting = false } = {},
): Promise<Result | undefined> {
  const turn = async (tx: Tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`archive ${tenantId}`}, 0))`
    if (!deleting && !(await isKept(tx, tenantId))) return undefined
    return write(tx)
  }
  return limit(() => db.$transaction(turn, patience))
}

async function isKept(tx: Tx, id: string): Promise<boolean> {
  return (await tx.tenant.count({ where: { id, deletingAt: null } })) > 0
}
