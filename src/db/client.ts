import { PrismaPg } from '@prisma/adapter-pg'
import pLimit, { type LimitFunction } from 'p-limit'
import { PrismaClient, type Prisma } from './generated/client.ts'

export type Db = PrismaClient
/** What can be read and written inside a transaction, and outside of one as well. */
export type Tx = Prisma.TransactionClient

/** Connections that one process holds at most. An API and a worker in one process share them. */
export const defaultPoolSize = 10

export function openDb(databaseUrl: string, { poolSize = defaultPoolSize } = {}): Db {
  return new PrismaClient({
    // Without the arguments of the call: they are people's data, and errors are logged.
    errorFormat: 'minimal',
    adapter: new PrismaPg({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000, max: poolSize }),
    // Changes of one tenant take turns, and whoever waits for a turn has a connection: others wait for that.
    transactionOptions: { maxWait: 10_000 },
  })
}

/** The turns of each tenant in this process. */
const turns = new Map<string, LimitFunction>()

/**
 * In one transaction, with no other of this tenant's under way: for what must be looked at before it is written. It lasts 5 s
 * at most, unless it says how long. Of a tenant's turns in one process, one at a time holds a connection: the others wait
 * without, so that one tenant's changes cannot use up the pool.
 */
export function inTenantTurn<Result>(
  db: Db,
  tenantId: string,
  write: (tx: Tx) => Promise<Result>,
  { timeoutMs = 5_000 } = {},
): Promise<Result> {
  const turn = async (tx: Tx) => {
    await tx.$queryRaw`SELECT 1 FROM "Tenant" WHERE "id" = ${tenantId} FOR UPDATE`
    return write(tx)
  }
  return inLocalTurn(tenantId, () => db.$transaction(turn, { timeout: timeoutMs }))
}

async function inLocalTurn<Result>(tenantId: string, run: () => Promise<Result>): Promise<Result> {
  const limit = turns.get(tenantId) ?? pLimit(1)
  turns.set(tenantId, limit)
  try {
    return await limit(run)
  } finally {
    if (limit.activeCount + limit.pendingCount === 0) turns.delete(tenantId)
  }
}
