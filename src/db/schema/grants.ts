import pg from 'pg'

/** Tables on which the application's role has restricted privileges. On all others it may read and write rows. */
const tablesOfTheirOwn = { AuditEntry: 'SELECT, INSERT', _prisma_migrations: 'SELECT' }

/**
 * Grants the role of `applicationUrl` the privileges that it needs. It owns nothing, so it can neither change the audit log nor
 * remove its protection. A missing role is created with the URL's password. Does nothing if the role is the owner itself. Call it
 * after every migration.
 */
export async function grantApplication(ownerUrl: string, applicationUrl: string): Promise<void> {
  const { role, password } = readCredentials(applicationUrl)
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    const { rows } = await client.query<{ owner: string }>('SELECT current_user AS owner')
    if (rows[0]?.owner === role) return
    // Concurrent grants would conflict in the catalogue.
    await client.query('BEGIN')
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('switchyard grants', 0))`)
    await ensureRole(client, role, password)
    for (const statement of grantsFor(client.escapeIdentifier(role))) await client.query(statement)
    await client.query('COMMIT')
  } finally {
    await client.end()
  }
}

function grantsFor(role: string): string[] {
  const rows = 'SELECT, INSERT, UPDATE, DELETE'
  const own = Object.entries(tablesOfTheirOwn).flatMap(([table, may]) => [
    `REVOKE ALL ON "${table}" FROM ${role}`,
    `GRANT ${may} ON "${table}" TO ${role}`,
  ])
  return [
    `GRANT USAGE ON SCHEMA public TO ${role}`,
    `GRANT ${rows} ON ALL TABLES IN SCHEMA public TO ${role}`,
    `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ${role}`,
    // Applies to tables of later migrations.
    `ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ${rows} ON TABLES TO ${role}`,
    `ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO ${role}`,
    ...own,
  ]
}

async function ensureRole(client: pg.Client, role: string, password: string): Promise<void> {
  const found = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role])
  if (found.rowCount !== 0) return
  // Checked first: the server logs failed statements, and this one contains a password.
  const { rows } = await client.query<{ may: boolean }>(
    'SELECT rolsuper OR rolcreaterole AS may FROM pg_roles WHERE rolname = current_user',
  )
  if (!rows[0]?.may)
    throw new Error(
      `The role "${role}" of DATABASE_URL does not exist, and the role of MIGRATE_DATABASE_URL may not create it. Run CREATE ROLE "${role}" LOGIN PASSWORD '…' as a role that may.`,
    )
  const name = client.escapeIdentifier(role)
  await client.query(`CREATE ROLE ${name} LOGIN PASSWORD ${client.escapeLiteral(password)}`)
}

/**
 * Returns why this role could change the audit log despite the grants, or `undefined` if it could not: it is a superuser, or it
 * is or may become the owner of the table.
 */
export async function powerOverAudit(databaseUrl: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    const { rows } = await client.query<{ role: string; superuser: boolean; owner: boolean }>(
      `SELECT current_user AS role, rolsuper AS superuser, pg_has_role(relowner, 'MEMBER') AS owner
       FROM pg_class, pg_roles WHERE pg_class.oid = '"AuditEntry"'::regclass AND rolname = current_user`,
    )
    const [{ role, superuser, owner } = { role: '', superuser: false, owner: false }] = rows
    if (superuser) return `the role "${role}" is a superuser`
    return owner ? `the role "${role}" owns the tables` : undefined
  } finally {
    await client.end()
  }
}

function readCredentials(url: string): { role: string; password: string } {
  const { username, password } = new URL(url)
  return { role: decodeURIComponent(username), password: decodeURIComponent(password) }
}
