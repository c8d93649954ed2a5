import { readdir } from 'node:fs/promises'
import pg from 'pg'
import { powerOverAudit } from '../../db/schema/grants.ts'
import { migrationsFolder } from '../../db/schema/migrate.ts'
import { sealedTables } from '../../db/schema/reseal.ts'
import { unseal, type SecretKeys } from '../../domain/crypto/secret-box.ts'
import { failed, ok, warning, type Check, type Finding } from './examination.ts'

/** Signatures carry the time, and receivers refuse those that are off by more than five minutes. */
const skew = { warnMs: 5_000, failMs: 60_000 }

/** Other checks compare times. */
export const clockName = 'Clock'

const names = { database: 'Database', migrations: 'Migrations' } as const

export function databaseChecks(databaseUrl: string, secretKeys: SecretKeys): Check[] {
  const query = <Row extends pg.QueryResultRow>(sql: string) => queryOnce<Row>(databaseUrl, sql)
  const remedy = 'Is PostgreSQL running, and is DATABASE_URL correct?'
  const checks: Omit<Check, 'remedy'>[] = [
    {
      name: names.database,
      run: async () => {
        const [row] = await query<{ version: string }>(`SELECT current_setting('server_version') AS version`)
        return ok(`PostgreSQL ${row?.version} answers at ${placeOf(databaseUrl)}`)
      },
    },
    {
      name: names.migrations,
      needs: [names.database],
      run: async () => checkMigrations(await readApplied(query)),
    },
    {
      name: 'Database role',
      needs: [names.database, names.migrations],
      run: async () => {
        const why = await powerOverAudit(databaseUrl)
        return why === undefined
          ? ok('the application cannot change the audit log')
          : warning(
              `the application could remove the protection of the audit log, because ${why}`,
              'Use a role of its own: docs/operations/audit.md, "Database roles".',
            )
      },
    },
    {
      name: clockName,
      needs: [names.database],
      run: () => checkClock(query),
    },
    {
      name: 'Secret keys',
      needs: [names.database, names.migrations],
      run: () => checkSecretKeys(query, secretKeys),
    },
  ]
  return checks.map((check) => ({ ...check, remedy }))
}

type Query = <Row extends pg.QueryResultRow>(sql: string) => Promise<Row[]>

/** A connection for each question: the checks must not depend on each other, nor on a pool. */
async function queryOnce<Row extends pg.QueryResultRow>(databaseUrl: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 })
  try {
    await client.connect()
    return (await client.query<Row>(sql)).rows
  } catch (cause) {
    throw new Error(`PostgreSQL at ${placeOf(databaseUrl)} cannot be used`, { cause })
  } finally {
    await client.end()
  }
}

/** Without user and password. */
function placeOf(databaseUrl: string): string {
  const { host, pathname } = new URL(databaseUrl)
  return `${host}${pathname}`
}

interface Applied {
  migration_name: string
  finished: boolean
}

async function readApplied(query: Query): Promise<Applied[]> {
  const [table] = await query<{ found: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS found`,
  )
  if (!table?.found) return []
  return query<Applied>(
    `SELECT "migration_name", "finished_at" IS NOT NULL AS finished
     FROM "_prisma_migrations" WHERE "rolled_back_at" IS NULL`,
  )
}

async function checkMigrations(applied: readonly Applied[]): Promise<Finding> {
  const entries = await readdir(migrationsFolder, { withFileTypes: true })
  const wanted = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const finished = new Set(applied.filter((one) => one.finished).map((one) => one.migration_name))
  const broken = applied.filter((one) => !one.finished).map((one) => one.migration_name)
  const missing = wanted.filter((name) => !finished.has(name))
  const unknown = [...finished].filter((name) => !wanted.includes(name))
  const run = 'Run `npm run db:migrate`'
  if (broken.length > 0)
    return failed(`a migration has failed half-way: ${broken.join(', ')}`, 'See docs/operations/upgrades.md.')
  if (missing.length > 0)
    return failed(
      `${missing.length} of ${wanted.length} migrations are missing: ${listOf(missing)}`,
      `${run}.`,
    )
  if (unknown.length > 0)
    return warning(
      `the database is newer than this version: ${listOf(unknown)}`,
      'Finish the upgrade: every process should run the newer version.',
    )
  return ok(`all ${wanted.length} are applied`)
}

async function checkClock(query: Query): Promise<Finding> {
  const before = Date.now()
  const [row] = await query<{ now: Date }>('SELECT clock_timestamp() AS now')
  const after = Date.now()
  const theirs = row?.now.getTime() ?? NaN
  // The answer was made at some time between the question and its arrival.
  const offMs = Math.max(before - theirs, theirs - after, 0)
  const seconds = (offMs / 1000).toFixed(1)
  const remedy = 'Synchronise the clocks of both hosts (NTP).'
  if (offMs > skew.failMs)
    return failed(`this host and PostgreSQL differ by ${seconds} s: receivers will refuse signatures`, remedy)
  if (offMs > skew.warnMs) return warning(`this host and PostgreSQL differ by ${seconds} s`, remedy)
  return ok(`this host and PostgreSQL agree to within ${skew.warnMs / 1000} s`)
}

interface Sealed {
  id: string
  sealed: string
}

/** Opens one stored secret per key that was used: a wrong key under a right id is found as well. */
async function checkSecretKeys(query: Query, keys: SecretKeys): Promise<Finding> {
  const rows: Sealed[] = []
  for (const table of sealedTables)
    rows.push(
      ...(await query<Sealed>(
        `SELECT DISTINCT ON (split_part("sealed", '.', 1)) "id", "sealed" FROM "${table}" ORDER BY split_part("sealed", '.', 1)`,
      )),
    )
  const unopened = rows.flatMap(({ id, sealed }) => {
    const keyId = sealed.split('.')[0] ?? ''
    try {
      unseal(sealed, keys, id)
      return []
    } catch {
      const known = keys.some((key) => key.id === keyId)
      return [known ? `"${keyId}" is another key than the one used before` : `"${keyId}" is missing`]
    }
  })
  if (unopened.length > 0)
    return failed(
      `stored secrets cannot be decrypted with SECRET_KEYS: ${[...new Set(unopened)].join(', ')}`,
      'Add the key that was used before: docs/operations/encryption.md.',
    )
  return ok(rows.length > 0 ? 'decrypt what is stored' : 'nothing is stored yet')
}

const maxListed = 3

function listOf(all: readonly string[]): string {
  const more = all.length > maxListed ? `, and ${all.length - maxListed} more` : ''
  return `${all.slice(0, maxListed).join(', ')}${more}`
}
