import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A root of one version that runs, and the lines of its log that tell of a fault. */
export interface Running {
  faults: string[]
  /** What its ready line says, by name. */
  ready: Record<string, string>
  end(signal?: NodeJS.Signals): Promise<void>
}

const running = new Set<Running>()

/** Ends what still runs, so that a failed check leaves nothing behind. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].reverse().map((program) => program.end()))
}

/** Starts a root in a checkout and waits until it is ready. */
export async function startRoot(
  checkout: string,
  script: 'main' | 'server' | 'worker',
  env: Record<string, string>,
): Promise<Running> {
  const child = spawn(process.execPath, ['--import', 'tsx', `src/${script}.ts`], {
    cwd: checkout,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  const faults: string[] = []
  const printed: string[] = []
  const ready = new Promise<Record<string, string>>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        if (printed.push(line) > 30) printed.shift()
        if (isFault(line)) faults.push(line)
        if (line.startsWith('ready')) resolve(readFacts(line))
      })
    }
    void exited.then(() => reject(new Error(`${checkout}: src/${script}.ts ended:\n${printed.join('\n')}`)))
  })
  const program: Running = {
    faults,
    ready: {},
    async end(signal = 'SIGTERM') {
      running.delete(program)
      child.kill(signal)
      await exited
    },
  }
  running.add(program)
  program.ready = await ready
  return program
}

function readFacts(line: string): Record<string, string> {
  return Object.fromEntries(
    line.split(/\s+/).flatMap((part) => (part.includes('=') ? [splitFact(part)] : [])),
  )
}

function splitFact(part: string): [string, string] {
  const at = part.indexOf('=')
  return [part.slice(0, at), part.slice(at + 1)]
}

/** A stuck workflow, or any line of the level `error`. */
function isFault(line: string): boolean {
  try {
    const { level } = JSON.parse(line) as { level?: number }
    return level !== undefined && level >= 50
  } catch {
    return false
  }
}
