import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 50
const FORCE_AFTER_MS = 10_000
const GIVE_UP_AFTER_MS = 15_000

/**
 * The command line of a process; '' if it has ended but was not reaped by its parent (a zombie), undefined if it does not exist.
 * Pids get reused, so a pid from a file proves nothing without it.
 */
export function commandLine(pid: number): string | undefined {
  if (existsSync('/proc/self/cmdline')) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    } catch {
      return undefined
    }
  }
  const ps = spawnSync('ps', ['-ww', '-p', String(pid), '-o', 'args='], { encoding: 'utf8' })
  return ps.status === 0 ? ps.stdout.trim() : undefined
}

/** Differs between two processes even when they share a pid, a command and, after a crash, a pid file. */
export function processIdentity(pid: number): string | undefined {
  const command = commandLine(pid)
  return command ? `${startTime(pid)} ${command}` : undefined
}

/**
 * Stops a process that an earlier run of ours left behind (it was killed before it could stop its children). The caller
 * has made sure by its command line that the pid is still that process.
 */
export async function stopLeftover(pid: number, signal: NodeJS.Signals): Promise<void> {
  const startedAt = Date.now()
  const identity = startTime(pid)
  let forced = false
  signalUnlessGone(pid, signal)
  while (!hasEnded(pid) && startTime(pid) === identity) {
    const elapsedMs = Date.now() - startedAt
    if (elapsedMs > GIVE_UP_AFTER_MS) {
      throw new Error(`process ${pid} of an earlier run does not stop: kill it manually`)
    }
    if (elapsedMs > FORCE_AFTER_MS && !forced) {
      forced = true
      signalUnlessGone(pid, 'SIGKILL')
    }
    await delay(POLL_MS)
  }
}

/**
 * Does not use the command line, which is already empty while the kernel still closes files and ports. A zombie counts as ended
 * once none of its threads is left, because in a container it may never be reaped.
 */
function hasEnded(pid: number): boolean {
  if (existsSync('/proc/self/stat')) {
    const fields = statFields(pid)
    return fields === undefined || (fields[0] === 'Z' && Number(fields[17]) <= 1)
  }
  const ps = spawnSync('ps', ['-p', String(pid), '-o', 'state='], { encoding: 'utf8' })
  return ps.status !== 0 || ps.stdout.trim().startsWith('Z')
}

function startTime(pid: number): string {
  if (existsSync('/proc/self/stat')) return statFields(pid)?.[19] ?? ''
  return spawnSync('ps', ['-p', String(pid), '-o', 'lstart='], { encoding: 'utf8' }).stdout?.trim() ?? ''
}

/** proc_pid_stat(5) from its third field, the state, on: the second is a name in parentheses that may hold spaces. */
function statFields(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')
  } catch {
    return undefined
  }
}

export function signalUnlessGone(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/**
 * The absolute path with links in its folders resolved (they are made when missing). A leftover is recognised by the
 * path in its command line, so one file must have one name, whatever links lead to it.
 */
export function withRealParent(path: string): string {
  const parent = dirname(resolve(path))
  mkdirSync(parent, { recursive: true })
  return join(realpathSync(parent), basename(path))
}
