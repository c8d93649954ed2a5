import { PrismaPg } from '@prisma/adapter-pg'
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

/**
 * In one transaction, with no other of this tenant's under way: for what must be looked at before it is written. It lasts 5 s
 * at most, unless it says how long.
 */
export function inTenantTurn<Result>(
  db: Db,
  tenantId: string,
  write: (tx: Tx) => Promise<Result>,
  { timeoutMs = 5_000 } = {},
): Promise<Result> {
  return db.$transaction(
    async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM "Tenant" WHERE "id" = ${tenantId} FOR UPDATE`
      return write(tx)
    },
    { timeout: timeoutMs },
  )
}
