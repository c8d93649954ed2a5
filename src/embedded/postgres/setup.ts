import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { type Account, accountInsteadOfRoot, canEnter } from './account.ts'
import { stopLeftoverPostgres } from './leftover.ts'
import { canRun, copyBinaries, packagedBinaries, type PostgresBinaries } from './binaries.ts'

/** The folder for files that PostgreSQL's account can't access in our own folders. */
const SHARED_FOLDER = '/var/lib/switchyard'

export interface PostgresSetup {
  /** The cluster's folder, which differs from the requested one if that is not accessible. */
  dataDir: string
  binaries: PostgresBinaries
  /** Absent: our own account. */
  account?: Account
}

/** Decides what runs, as whom and where. Only root's case needs more than the folder that was asked for. */
export async function chooseSetup(dataDir: string, progress: (line: string) => void): Promise<PostgresSetup> {
  const packaged = await packagedBinaries()
  if (process.getuid?.() !== 0) {
    requireOwnData(dataDir)
    return { dataDir, binaries: packaged }
  }

  const account = accountInsteadOfRoot(dataDir)
  const reachable = canRun(packaged.postgres, account)
  const binaries = reachable ? packaged : copyBinaries(packaged, SHARED_FOLDER, progress)
  const chosen = await chooseDataFolder(dataDir, account, progress)
  if (existsSync(chosen) && statSync(chosen).uid === 0) {
    spawnSync('chown', ['-R', `${account.uid}:${account.gid}`, chosen])
  }
  return { dataDir: chosen, binaries, account }
}

function requireOwnData(dataDir: string): void {
  const own = process.getuid?.()
  if (own === undefined || !existsSync(dataDir)) return
  const owner = statSync(dataDir).uid
  if (owner === own) return
  throw new Error(
    `the database in ${dataDir} belongs to uid ${owner}, probably from a run as root: ` +
      'run as root again, or delete the data folder as root, or set DATA_DIR to another one',
  )
}

/**
 * If the data is stored elsewhere, a note beside the requested folder says where. It tells a later run that the data is still
 * wanted (deleting the project's data folder must lead to an empty database) and whether the folder was moved.
 */
async function chooseDataFolder(
  dataDir: string,
  account: Account,
  progress: (line: string) => void,
): Promise<string> {
  const note = locationNote(dataDir)
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12)
  const elsewhere = join(SHARED_FOLDER, hash, 'postgres')
  if (existsSync(note)) {
    const noted = readFileSync(note, 'utf8').trim()
    if (noted === elsewhere) return elsewhere
    throw new Error(
      `${note} says that the database is in ${noted}, but the project folder was moved or copied: ` +
        `to keep the data, move it to ${elsewhere} and write that path into the file; to start with an empty database, delete the file`,
    )
  }
  if (canEnter(dirname(dataDir), account)) return dataDir
  if (existsSync(join(dataDir, 'PG_VERSION'))) {
    throw new Error(
      `PostgreSQL's account (uid ${account.uid}) can't access its data in ${dataDir}: ` +
        'make its parent folders accessible (chmod o+x), or run as the user who owns them',
    )
  }
  await setAside(elsewhere, progress)
  mkdirSync(dirname(elsewhere), { recursive: true })
  for (const folder of [SHARED_FOLDER, dirname(elsewhere)]) chmodSync(folder, 0o755)
  writeFileSync(note, `${elsewhere}\n`)
  progress(`the database is stored in ${elsewhere}: PostgreSQL's account can't access ${dataDir}`)
  return elsewhere
}

function locationNote(dataDir: string): string {
  return `${dataDir}.location`
}

/** The cluster's folder, which differs from the requested one if a run as root has noted another. */
export function findCluster(dataDir: string): string {
  const note = locationNote(dataDir)
  return existsSync(note) ? readFileSync(note, 'utf8').trim() : dataDir
}

/** Data of a project folder that is gone. It is kept for a person to judge, the newest only. */
async function setAside(cluster: string, progress: (line: string) => void): Promise<void> {
  if (!existsSync(cluster)) return
  await stopLeftoverPostgres(cluster, progress)
  const aside = `${cluster}.replaced`
  progress(`moved the database of a deleted data folder to ${aside}`)
  rmSync(aside, { recursive: true, force: true })
  renameSync(cluster, aside)
}
