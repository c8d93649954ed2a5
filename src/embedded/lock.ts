import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { processIdentity } from './leftover.ts'

/**
 * Holds `<dataDir>/switchyard.pid` so that two runs never use one data folder. The file names the process by pid and
 * identity (start time and command line), because pids get reused; what a killed run left there is replaced.
 */
export function lockDataFolder(dataDir: string): { release(): void } {
  mkdirSync(dataDir, { recursive: true })
  const file = join(dataDir, 'switchyard.pid')
  const mine = contentFor(process.pid)
  if (!create(file, mine)) {
    removeStale(file, dataDir)
    if (!create(file, mine)) throw inUse(file, dataDir)
  }
  return {
    release() {
      if (readContent(file) === mine) rmSync(file, { force: true })
    },
  }
}

/** The pid of the process that holds the folder. */
export function findHolder(dataDir: string): number | undefined {
  const file = join(dataDir, 'switchyard.pid')
  return isHeld(file) ? Number.parseInt(readContent(file), 10) : undefined
}

function contentFor(pid: number): string {
  return `${pid}\n${processIdentity(pid) ?? ''}`
}

function removeStale(file: string, dataDir: string): void {
  if (isHeld(file)) throw inUse(file, dataDir)
  const aside = `${file}.stale-${process.pid}`
  renameSync(file, aside)
  if (isHeld(aside)) {
    // Another start replaced the stale file between our look and our rename: it was first.
    renameSync(aside, file)
    throw inUse(file, dataDir)
  }
  rmSync(aside, { force: true })
}

function isHeld(file: string): boolean {
  const content = readContent(file)
  const pid = Number.parseInt(content, 10)
  return pid > 0 && content === contentFor(pid)
}

function inUse(file: string, dataDir: string): Error {
  const pid = readContent(file).split('\n')[0]
  return new Error(
    `another \`npm start\` (pid ${pid}) is using ${dataDir}: stop it first, or set DATA_DIR to another folder`,
  )
}

function readContent(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** False when the file exists already. */
function create(file: string, content: string): boolean {
  try {
    writeFileSync(file, content, { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}
