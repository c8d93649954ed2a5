import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine, stopLeftover } from '../leftover.ts'

/** Stops the server that a killed run left on this cluster: PostgreSQL writes its pid into the cluster itself. */
export async function stopLeftoverPostgres(cluster: string, progress: (line: string) => void): Promise<void> {
  const pidFile = join(cluster, 'postmaster.pid')
  const pid = firstNumberIn(pidFile)
  const command = pid === undefined ? undefined : commandLine(pid)
  if (pid === undefined || command === undefined) return
  if (command.includes('postgres') && command.includes(` -D ${cluster} `)) {
    progress(`stopping the PostgreSQL (pid ${pid}) of an earlier run`)
    await stopLeftover(pid, 'SIGINT')
  } else if (!command.includes('postgres')) {
    // The pid belongs to another program by now, and PostgreSQL, which looks at the pid alone, would refuse to start.
    rmSync(pidFile, { force: true })
  }
}

function firstNumberIn(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || undefined
  } catch {
    return undefined
  }
}
