import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { commandLine } from '../../src/embedded/leftover.ts'

/** A folder that other accounts may enter, so that PostgreSQL's own can; removed after the test. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-test-'))
  chmodSync(folder, 0o755)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/**
 * Runs TypeScript that starts something and prints one line of JSON, in a process of its own that can be killed.
 * Paths in it are relative to this folder.
 */
export async function runAside<T>(source: string): Promise<{ child: ChildProcess; printed: T }> {
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit']
  const args = ['--import', 'tsx', '--input-type=module', '--eval', source]
  const child = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio })
  onTestFinished(() => void child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) return { child, printed: JSON.parse(line) as T }
  }
  throw new Error('it ended without printing JSON')
}

/** Kills a process the hard way and waits for its end. */
export async function killHard(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

/** A process that has ended counts as such even while nothing has collected it. */
export function isRunning(pid: number): boolean {
  return Boolean(commandLine(pid))
}
