import { writeFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import pg from 'pg'
import { superuserUrl, type FoundPostgres } from '../postgres/postgres.ts'
import { copyFiles } from './copy-files.ts'

/** Files that belong to the running server and not to its data. */
const serverFiles = ['postmaster.pid', 'postmaster.opts']

/** Folders whose content a server makes anew. Source: PostgreSQL's documentation, "Making a Base Backup Using the Low Level API". */
const emptied = [
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]

/** Copies the cluster of a server that does not run. */
export function copyStoppedCluster(cluster: string, to: string): Promise<void> {
  return copyFiles(cluster, to, (path) => serverFiles.includes(path))
}

/**
 * Copies the cluster of a running server as `pg_basebackup` does, which the embedded package does not contain. The copy is of the
 * moment at which `before` has ended.
 */
export async function copyRunningCluster(
  server: FoundPostgres,
  to: string,
  before: () => Promise<void>,
): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl(server, 'postgres') })
  await client.connect()
  try {
    // A temporary slot keeps the write-ahead log from here on; it goes with the connection.
    await client.query(`SELECT pg_create_physical_replication_slot($1, true, true)`, [
      `backup_${process.pid}`,
    ])
    await client.query(`SELECT pg_backup_start('switchyard', true)`)
    await copyFiles(server.cluster, to, isLeftOut)
    await before()
    const { rows } = await client.query<{ label: string; segment: string }>(
      `SELECT labelfile AS label, pg_walfile_name(lsn) AS segment FROM pg_backup_stop(false)`,
    )
    const [{ label, segment } = { label: '', segment: '' }] = rows
    await writeFile(join(to, 'backup_label'), label, { mode: 0o600 })
    // Stopping the backup has begun a new segment: later ones hold later changes. Names of segments are in their order.
    await copyFiles(
      join(server.cluster, 'pg_wal'),
      join(to, 'pg_wal'),
      (path) => isSegment(path) && path > segment,
    )
  } finally {
    await client.end()
  }
}

function isSegment(path: string): boolean {
  return /^[0-9A-F]{24}$/.test(path)
}

function isLeftOut(path: string): boolean {
  const [first = '', ...inside] = path.split(sep)
  const temporary = path.includes(`${sep}pgsql_tmp`) || path.endsWith('pg_internal.init')
  return (
    serverFiles.includes(path) || temporary || (inside.length > 0 && [...emptied, 'pg_wal'].includes(first))
  )
}
