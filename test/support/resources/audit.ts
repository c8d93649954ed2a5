import pg from 'pg'
import { asOwner } from '../corner.ts'

/** Runs statements one after the other, as the role of the URL. */
export async function runSql(databaseUrl: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

/** Changes the audit log as only the owner of the database can: with its triggers and its constraint out of the way. */
export function tamper(databaseUrl: string, ...statements: string[]): Promise<void> {
  return runSql(
    asOwner(databaseUrl),
    'ALTER TABLE "AuditEntry" DISABLE TRIGGER ALL',
    'ALTER TABLE "AuditEntry" DROP CONSTRAINT IF EXISTS "AuditEntry_chained"',
    ...statements,
    'ALTER TABLE "AuditEntry" ENABLE TRIGGER ALL',
  )
}
