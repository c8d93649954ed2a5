import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { createProgramLog } from './run/test-log.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Program {
  pid: number
  /** Everything printed so far, stdout and stderr together. */
  output(): string
  /** Resolves with the line once the program prints one that begins so; rejects if it ends before. */
  line(beginning: string): Promise<string>
  /** Resolves with the exit code. */
  exited: Promise<number | null>
  kill(signal: NodeJS.Signals): void
  /** Ends it with SIGTERM if it still runs. */
  stop(): Promise<void>
}

const roots = ['src/main.ts', 'src/server.ts', 'src/worker.ts']

/** Runs one of our roots as npm would, with this environment and nothing else. It is ended with the test. */
export function run(script: string, env: Record<string, string>, args: string[] = []): Program {
  const program = start(script, env, args)
  onTestFinished(() => program.stop())
  return program
}

/** The same, for a program that the caller stops. */
export function start(script: string, env: Record<string, string>, args: string[] = []): Program {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // What a command prints is its result; what these print is their log.
  const log = roots.includes(script) ? createProgramLog() : undefined
  let output = ''
  const waiting: (() => void)[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      log?.(chunk.toString())
      for (const look of waiting) look()
    })
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  return {
    pid: child.pid ?? 0,
    output: () => output,
    exited,
    kill: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
    line: (beginning) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = output.split('\n').find((line) => line.startsWith(beginning))
          if (found) resolve(found)
        }
        waiting.push(look)
        look()
        void exited.then((code) =>
          reject(new Error(`it ended with code ${code} and never said "${beginning}":\n${output}`)),
        )
      }),
  }
}
