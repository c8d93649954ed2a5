import { typeid } from 'typeid-js'
import type { JsonObject } from '../../domain/event.ts'
import { chainName, hashEntry, platformChain, withinBounds } from './chain.ts'
import type { Db, Tx } from '../client.ts'
import { Prisma } from '../generated/client.ts'

/** An action and its actor, recorded in the same transaction as the change itself. */
export interface AuditRecord {
  /** Absent for platform keys. */
  tenantId?: string
  environment?: string
  keyId: string
  /** The caller's network address. */
  address?: string
  /** Named like `api-secret.rotated`: the kind of thing, a dot, the action. */
  action: string
  /** The id of the thing acted on. */
  subject?: string
  /** The state before and after, as an API response shows it: secrets masked. */
  before?: JsonObject
  after?: JsonObject
  /** The session of a person, as opposed to a program with a key. */
  session?: string
}

/**
 * Appends to the chain of the tenant's environment, of the tenant, or of the platform. Entries of a tenant are serialised until
 * the transaction ends. Callers that also take the tenant's turn must take it first, to avoid deadlocks.
 */
export async function recordAudit(db: Tx, record: AuditRecord): Promise<void> {
  return isDb(db) ? db.$transaction((tx) => append(tx, record)) : append(db, record)
}

async function append(db: Tx, record: AuditRecord): Promise<void> {
  const { tenantId, environment } = record
  const chain = tenantId === undefined ? platformChain : chainName(tenantId, environment)
  // One lock for all chains of a tenant: transactions that write to two of them cannot deadlock.
  const lock = `audit ${tenantId ?? platformChain}`
  await db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${lock}, 0))`
  const last = await readNewest(db, chain, { sequence: true, hash: true, at: true })
  // In the form in which it will be read back: JSON has no undefined, and an omitted column is null.
  const { before, after } = withinBounds(plain(record.before), plain(record.after))
  const entry = {
    id: typeid('aud').toString(),
    at: notBefore(last?.at),
    tenantId: tenantId ?? null,
    environment: environment ?? null,
    keyId: record.keyId,
    address: record.address ?? null,
    action: record.action,
    subject: record.subject ?? null,
    session: record.session ?? null,
    before: before ?? null,
    after: after ?? null,
    chain,
    sequence: (last?.sequence ?? 0) + 1,
    previousHash: last?.hash ?? null,
  }
  const json = { before: before ?? Prisma.DbNull, after: after ?? Prisma.DbNull }
  await db.auditEntry.create({ data: { ...entry, ...json, hash: hashEntry(entry) } })
}

/** Now, or the time of the previous entry if another process's clock is ahead: times in a chain never decrease. */
function notBefore(last: Date | undefined): Date {
  return new Date(Math.max(Date.now(), last?.getTime() ?? 0))
}

/** The sequence number and hash of a chain's newest entry. */
export function readHead(db: Tx, chain: string) {
  return readNewest(db, chain, { sequence: true, hash: true })
}

function readNewest<Columns extends Prisma.AuditEntrySelect>(db: Tx, chain: string, select: Columns) {
  return db.auditEntry.findFirst({ where: { chain }, orderBy: { sequence: 'desc' }, select })
}

/**
 * Records an action that no transaction of ours can undo, such as a signal to a workflow, and then does it. An action that cannot
 * be recorded is not done. If `act` fails, a second entry with the action `<action>.failed` says so. No connection or lock is
 * held while `act` runs, because it may wait for Temporal and other tenants share the pool.
 */
export async function doAudited<Result>(
  db: Db,
  record: AuditRecord,
  act: () => Promise<Result>,
): Promise<Result> {
  await recordAudit(db, record)
  try {
    return await act()
  } catch (error) {
    const { before: _before, after: _after, ...what } = record
    // The caller needs the first error. Without this entry the log claims an action that failed, which is better than the reverse.
    await recordAudit(db, { ...what, action: `${record.action}.failed` }).catch(() => undefined)
    throw error
  }
}

/** Prisma's transaction clients have no `$connect`. */
function isDb(db: Tx): db is Db {
  return '$connect' in db && db.$connect !== undefined
}

function plain(value: JsonObject | undefined): JsonObject | undefined {
  return value && (JSON.parse(JSON.stringify(value)) as JsonObject)
}
