import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { temporalBinary } from './temporal-binary.ts'

/** What the commands that run the chaos suite have in common: progress with the time, and a folder for data and logs. */
export async function startCommand(name: string) {
  // Exiting ends the processes that were started.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
  const startedAt = Date.now()
  const say = (line: string) =>
    console.log(`${((Date.now() - startedAt) / 1000).toFixed(0).padStart(5)} s  ${line}`)
  const folder = await mkdtemp(join(tmpdir(), `switchyard-${name}-`))
  return { say, folder, temporalBinary: await temporalBinary(say), patienceMs: 480_000 }
}
