import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { signalUnlessGone } from './leftover.ts'

const KEPT_LINES = 40
const STOP_GRACE_MS = 10_000

export interface ChildOptions {
  /** Asks for an orderly shutdown. */
  stopSignal: NodeJS.Signals
  /** Sent while our own process is exiting, when nothing can be waited for any more. */
  exitSignal: NodeJS.Signals
  /** Absent: the child inherits our environment. */
  env?: Record<string, string>
  cwd?: string
  uid?: number
  gid?: number
  onLine?: (line: string) => void
}

export interface Child {
  pid: number
  /** The newest lines of its stdout and stderr, for error messages. */
  lastLines: () => string
  /** Resolves, never rejects, with how it ended. */
  exited: Promise<string>
  /** Calls back when the process ends without `stop()` having been asked for. */
  onExit: (callback: (why: string) => void) => void
  stop: () => Promise<void>
}

const exitSignals = new Map<number, NodeJS.Signals>()
process.on('exit', () => {
  for (const [pid, signal] of exitSignals) signalUnlessGone(pid, signal)
})

/**
 * Starts a long-running program. It is detached, because a terminal sends Ctrl-C to the whole process group, and our
 * own shutdown must stop taking work before the database goes away.
 */
export async function startChild(command: string, args: string[], options: ChildOptions): Promise<Child> {
  const { env, cwd, uid, gid, stopSignal, exitSignal } = options
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
  const child = spawn(command, args, { env, cwd, uid, gid, detached: true, windowsHide: true, stdio })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (lines.length > KEPT_LINES) lines.shift()
      options.onLine?.(line)
    })
  }
  const closed = new Promise((resolve) => child.once('close', resolve))
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid ?? 0))
    child.once('error', reject)
  })
  exitSignals.set(pid, exitSignal)

  let stopping = false
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      exitSignals.delete(pid)
      const why = signal ? `was ended by ${signal}` : `exited with code ${code}`
      // Its last lines may still be in the pipe; a grandchild may hold that pipe open, so the wait is bounded.
      void Promise.race([closed, delay(500)]).then(() => resolve(why))
    })
  })
  return {
    pid,
    exited,
    lastLines: () => lines.join('\n'),
    onExit: (callback) => void exited.then((why) => stopping || callback(why)),
    async stop() {
      stopping = true
      if (exitSignals.has(pid)) signalUnlessGone(pid, stopSignal)
      const force = setTimeout(() => exitSignals.has(pid) && signalUnlessGone(pid, 'SIGKILL'), STOP_GRACE_MS)
      await exited
      clearTimeout(force)
    },
  }
}
