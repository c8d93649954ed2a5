import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { withRealParent } from '../leftover.ts'
import { findHolder, lockDataFolder } from '../lock.ts'
import { stopLeftoverPostgres } from '../postgres/leftover.ts'
import { findRunningPostgres } from '../postgres/postgres.ts'
import { findCluster } from '../postgres/setup.ts'
import { findTemporalPid, stopLeftoverTemporal } from '../temporal/temporal.ts'
import { copyFiles } from './copy-files.ts'
import { copyRunningCluster, copyStoppedCluster } from './copy-postgres.ts'
import { copyRunningDatabase, copyStoppedDatabase } from './copy-temporal.ts'

export interface BackupResult {
  /** How long the Temporal server was paused; absent if it did not run. */
  pausedMs?: number | undefined
}

interface Folders {
  dataDir: string
  to: string
  progress: (line: string) => void
}

/**
 * Copies the data folder of `npm start`, running or not, to a folder that `npm start` can use. The copy is complete once it has its
 * name: until then its name ends with `.incomplete`.
 */
export async function backUp({ dataDir, to, progress }: Folders): Promise<BackupResult> {
  if (!existsSync(join(dataDir, 'secret.key')) && !existsSync(join(dataDir, 'temporal')))
    throw new Error(`${dataDir} is not the data folder of an \`npm start\`: set DATA_DIR`)
  if (`${to}${sep}`.startsWith(`${dataDir}${sep}`)) throw new Error(`${to} is inside of ${dataDir}`)
  if (existsSync(to) && (await readdir(to)).length > 0)
    throw new Error(`${to} is not empty: name a folder that does not exist`)
  const unfinished = `${withRealParent(to)}.incomplete`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { mode: (await stat(dataDir)).mode })
  const holder = findHolder(dataDir)
  const folders = { dataDir, to: unfinished, progress }
  const result = holder === undefined ? await copyStopped(folders) : await copyRunning(folders)
  if (findHolder(dataDir) !== holder)
    throw new Error('`npm start` was started or stopped during the backup: repeat it')
  await rm(to, { recursive: true, force: true })
  await rename(unfinished, to)
  return result
}

/**
 * PostgreSQL's copy is of a later moment than Temporal's, by milliseconds: a destination that an event in Temporal names is then in
 * PostgreSQL.
 */
async function copyRunning({ dataDir, to }: Folders): Promise<BackupResult> {
  const dbFile = withRealParent(join(dataDir, 'temporal', 'temporal.db'))
  const temporal = findTemporalPid(dbFile)
  const postgres = findRunningPostgres(join(dataDir, 'postgres'))
  let pausedMs: number | undefined
  const copyTemporal = async () => {
    if (temporal !== undefined) pausedMs = await copyRunningDatabase(temporal, dbFile, join(to, 'temporal'))
  }
  await copyOthers(dataDir, to)
  if (postgres) await copyRunningCluster(postgres, join(to, 'postgres'), copyTemporal)
  else await copyTemporal()
  return { pausedMs }
}

async function copyStopped({ dataDir, to, progress }: Folders): Promise<BackupResult> {
  const lock = lockDataFolder(dataDir)
  try {
    const cluster = findCluster(withRealParent(join(dataDir, 'postgres')))
    await stopLeftoverTemporal(withRealParent(join(dataDir, 'temporal', 'temporal.db')), progress)
    await stopLeftoverPostgres(cluster, progress)
    await copyOthers(dataDir, to)
    await copyStoppedDatabase(join(dataDir, 'temporal'), join(to, 'temporal'))
    if (existsSync(cluster)) await copyStoppedCluster(cluster, join(to, 'postgres'))
  } finally {
    lock.release()
  }
  return {}
}

/** Keys, passwords and mails. */
function copyOthers(dataDir: string, to: string): Promise<void> {
  const apart = ['postgres', 'postgres.new', 'postgres.location', 'temporal']
  return copyFiles(dataDir, to, (path) => apart.includes(path) || path.startsWith('switchyard.pid'))
}
