import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'

/** The operating system account that PostgreSQL runs under. */
export interface Account {
  uid: number
  gid: number
}

const NAME = 'postgres'

/**
 * PostgreSQL refuses to run as root. Data that an ordinary user's run made stays that user's, so that both may go on
 * using it; otherwise it is the account `postgres`, made when it is missing.
 */
export function accountInsteadOfRoot(dataDir: string): Account {
  if (existsSync(dataDir)) {
    const { uid, gid } = statSync(dataDir)
    if (uid !== 0) return { uid, gid }
  }
  return findAccount() ?? createAccount()
}

function findAccount(): Account | undefined {
  const uid = spawnSync('id', ['-u', NAME], { encoding: 'utf8' })
  const gid = spawnSync('id', ['-g', NAME], { encoding: 'utf8' })
  return uid.status === 0 && gid.status === 0
    ? { uid: Number(uid.stdout), gid: Number(gid.stdout) }
    : undefined
}

function createAccount(): Account {
  const options = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', NAME]
  const made = spawnSync('useradd', options, { encoding: 'utf8' })
  const account = findAccount()
  if (account) return account
  const reason = made.error ? made.error.message : made.stderr.trim()
  throw new Error(
    `PostgreSQL refuses to run as root, and the account "${NAME}" for it could not be created (useradd: ${reason}). ` +
      `Create that account, or run as an ordinary user, or set DATABASE_URL to your own PostgreSQL`,
  )
}

/** True if the account can enter a folder, which a private home folder above it prevents. */
export function canEnter(folder: string, account: Account): boolean {
  return spawnSync('test', ['-x', folder], { ...account, cwd: '/' }).status === 0
}
