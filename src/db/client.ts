import { Socket } from 'node:net'
import { PrismaPg } from '@prisma/adapter-pg'
import pLimit, { type LimitFunction } from 'p-limit'
import { PrismaClient, type Prisma } from './generated/client.ts'

export type Db = PrismaClient
/** A client inside or outside of a transaction. */
export type Tx = Prisma.TransactionClient

/** Connections that one process holds at most. An API and a worker in one process share them. */
export const defaultPoolSize = 10

/**
 * A connection over which nothing has come for this long is closed. No query takes longer, and the pool closes idle connections
 * after 10 s: the server hangs, or the network has lost the connection without saying so.
 */
const silenceMs = 60_000

const sockets = new WeakMap<Db, Set<Socket>>()

export function openDb(databaseUrl: string, { poolSize = defaultPoolSize } = {}): Db {
  const open = new Set<Socket>()
  function stream(): Socket {
    const socket = new Socket()
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    return socket.setTimeout(silenceMs, () => socket.destroy())
  }
  const pool = { connectionString: databaseUrl, connectionTimeoutMillis: 5_000, max: poolSize, stream }
  const db = new PrismaClient({
    // Leaves out the arguments of the call: they are personal data, and errors are logged.
    errorFormat: 'minimal',
    adapter: new PrismaPg(pool),
    // Changes of one tenant are serialised, and each waiting one holds a connection for which others may wait.
    transactionOptions: { maxWait: 10_000 },
  })
  sockets.set(db, open)
  return db
}

/** Closes all connections, so that what waits for a server that hangs fails now. New connections are made when they are needed. */
export function dropConnections(db: Db): void {
  for (const socket of sockets.get(db) ?? []) socket.destroy()
}

/** The turns of each tenant in this process. */
const turns = new Map<string, LimitFunction>()

/**
 * Runs one transaction at a time per tenant: for writes that depend on a preceding read. It may last 5 s at most unless the
 * caller says otherwise. Within a process only the running one holds a connection, so that one tenant's changes cannot exhaust
 * the pool.
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
