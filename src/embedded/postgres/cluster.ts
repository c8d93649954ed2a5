import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type PostgresSetup } from './setup.ts'

export const SUPERUSER = 'switchyard'

/**
 * Makes the cluster at its first use and returns the password of its superuser, which is kept in `passwordFile`.
 * `initdb` works in a folder beside it that is renamed when complete, so a start that was cut off leaves no half cluster.
 */
export async function ensureCluster(
  place: PostgresSetup,
  passwordFile: string,
  durable: boolean,
): Promise<string> {
  const exists = existsSync(join(place.dataDir, 'PG_VERSION'))
  if (exists && !existsSync(passwordFile)) {
    throw new Error(
      `${passwordFile}, the password of the database in ${place.dataDir}, is missing: ` +
        'restore that file, or move the database folder away to start with an empty one',
    )
  }
  const password = readOrMakePassword(passwordFile)
  if (exists) return password

  const workDir = `${place.dataDir}.new`
  rmSync(workDir, { recursive: true, force: true })
  mkdirSync(workDir, { mode: 0o700 })
  if (place.account) chownSync(workDir, place.account.uid, place.account.gid)
  try {
    await initialise(place, workDir, password, durable)
    renameSync(join(workDir, 'cluster'), place.dataDir)
  } finally {
    rmSync(workDir, { recursive: true, force: true })
  }
  return password
}

async function initialise(
  place: PostgresSetup,
  workDir: string,
  password: string,
  durable: boolean,
): Promise<void> {
  const passwordFile = join(workDir, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (place.account) chownSync(passwordFile, place.account.uid, place.account.gid)
  // PostgreSQL's own locale: the same order and case rules on every system, with nothing installed.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const access = [`--username=${SUPERUSER}`, '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  const args = ['-D', join(workDir, 'cluster'), ...access, ...locale, ...(durable ? [] : ['--no-sync'])]
  try {
    await promisify(execFile)(place.binaries.initdb, args, {
      ...place.account,
      cwd: workDir,
      env: { LC_ALL: 'C' },
    })
  } catch (error) {
    throw new Error(
      `PostgreSQL could not create its data folder ${place.dataDir}: ${errorOutput(error)}\n` +
        'Make that folder writable, or set DATABASE_URL to your own PostgreSQL',
      { cause: error },
    )
  }
}

function errorOutput(error: unknown): string {
  const { stderr } = error as { stderr?: string }
  return stderr?.trim() || String(error)
}

function readOrMakePassword(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const password = randomBytes(24).toString('hex')
  writeFileSync(`${file}.new`, `${password}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return password
}
