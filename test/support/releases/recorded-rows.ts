import pg from 'pg'
import type { SecretKeys } from '../../../src/domain/crypto/secret-box.ts'

/** The rows of a version's database, with the newest migration that it had. */
export interface RecordedRows {
  migration: string
  tables: Record<string, Record<string, unknown>[]>
}

/** The key that seals the secrets in recorded rows. */
export const recordedKeys: SecretKeys = [{ id: 'recorded', key: Buffer.alloc(32, 7) }]

/** Inserts the rows as the version did that wrote them: it names the columns that it knows, and no others. */
export async function insertRows(databaseUrl: string, { tables }: RecordedRows): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (const [table, rows] of Object.entries(tables)) {
      const name = client.escapeIdentifier(table)
      for (const row of rows) {
        const columns = Object.keys(row).map((column) => client.escapeIdentifier(column))
        const list = columns.join(', ')
        const select = `SELECT ${list} FROM jsonb_populate_record(NULL::${name}, $1)`
        await client.query(`INSERT INTO ${name} (${list}) ${select}`, [JSON.stringify(row)])
      }
    }
  } finally {
    await client.end()
  }
}
