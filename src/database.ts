import { openDb, type Db } from './db/client.ts'
import { grantApplication } from './db/schema/grants.ts'
import { migrate } from './db/schema/migrate.ts'

/**
 * Applies all missing migrations, and grants the role of `databaseUrl` access if another role is the owner. Returns the names of
 * the applied migrations.
 */
export async function migrateDatabase(databaseUrl: string, ownerUrl = databaseUrl): Promise<string[]> {
  const db = await openDatabase(ownerUrl)
  await db.$disconnect()
  const applied = await migrate(ownerUrl)
  await grantApplication(ownerUrl, databaseUrl)
  return applied
}

/** Connects, with a readable error if that fails. The error does not contain the URL's password. */
export async function openDatabase(databaseUrl: string, poolSize?: number): Promise<Db> {
  const db = openDb(databaseUrl, { poolSize })
  try {
    await db.$queryRaw`SELECT 1`
    return db
  } catch (cause) {
    await db.$disconnect()
    const { host, pathname } = new URL(databaseUrl)
    throw new Error(
      `Cannot connect to PostgreSQL at ${host}${pathname}: is it running, and is DATABASE_URL correct? (Without DATABASE_URL, \`npm start\` starts its own.)`,
      { cause },
    )
  }
}
