import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { copyFiles } from './copy-files.ts'

/**
 * The files of a paused process are what a crash would leave, which SQLite recovers from. The shell, not this process, resumes the
 * server, so that it also resumes if this process is killed.
 */
const copyPaused = `
  kill -STOP "$1" || exit 1
  trap 'kill -CONT "$1"' EXIT
  trap '' HUP INT TERM
  cp "$2" "$3" && { [ ! -e "$2-wal" ] || cp "$2-wal" "$3-wal"; }`

/** Copies the database of a running server, which is paused meanwhile. Returns how long (ms). */
export async function copyRunningDatabase(pid: number, dbFile: string, folder: string): Promise<number> {
  await mkdir(folder, { mode: 0o700 })
  const startedAt = performance.now()
  await promisify(execFile)('sh', [
    '-c',
    copyPaused,
    'sh',
    String(pid),
    dbFile,
    join(folder, basename(dbFile)),
  ])
  return Math.round(performance.now() - startedAt)
}

/** Copies the folder of a server that does not run. */
export async function copyStoppedDatabase(from: string, folder: string): Promise<void> {
  if (existsSync(from))
    await copyFiles(from, folder, (path) => path.endsWith('.pid') || path.endsWith('-shm'))
}
