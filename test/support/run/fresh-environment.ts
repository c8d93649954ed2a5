import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject, onTestFinished } from 'vitest'
import { freePort } from '../../../src/embedded/ports.ts'

/** A folder as a fresh clone has it, and ports that nobody else uses. */
export async function freshEnvironment(): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-start-'))
  chmodSync(folder, 0o755)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  // The server's binary is the one that the test run has found: nothing is downloaded or built here.
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  symlinkSync(inject('temporalBinary'), join(bin, 'temporal'))
  const [port, temporalPort, uiPort] = [await freePort(), await freePort(), await freePort()]
  return {
    PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: folder,
    DATA_DIR: join(folder, 'data'),
    PORT: String(port),
    TEMPORAL_PORT: String(temporalPort),
    TEMPORAL_UI_PORT: String(uiPort),
  }
}

/** What the line says that `npm start` prints when it is ready. */
export function fact(readyLine: string, name: string): string {
  return new RegExp(`\\b${name}=(\\S+)`).exec(readyLine)?.[1] ?? ''
}
