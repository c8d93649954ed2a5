import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { type CacheFill } from './download.ts'

const PROGRESS_EVERY_MS = 15_000
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/** Builds the binary from its source with the user's own Go settings (module proxy, flags, caches). */
export async function buildTemporal(options: CacheFill & { go: string }): Promise<string> {
  const { go, version, folder, target, progress } = options
  if (process.platform === 'win32') throw new Error('only done on Linux and macOS')
  mkdirSync(folder, { recursive: true })
  const workDir = mkdtempSync(join(folder, 'build-'))
  const startedAt = Date.now()
  progress('building the Temporal server with Go: takes 3–7 minutes, once')
  const tick = () => progress(`still building the Temporal server: ${elapsed(startedAt)}`)
  const ticker = setInterval(tick, PROGRESS_EVERY_MS)
  try {
    await goInstall(go, `github.com/temporalio/cli/cmd/temporal@v${version}`, workDir)
    renameSync(join(workDir, basename(target)), target)
    progress(`built the Temporal server: ${elapsed(startedAt)}`)
    return target
  } finally {
    clearInterval(ticker)
    rmSync(workDir, { recursive: true, force: true })
  }
}

async function goInstall(go: string, module: string, binDir: string): Promise<void> {
  try {
    // env(1) adds to the inherited environment what `go` takes from a variable only.
    const args = [`GOBIN=${binDir}`, go, 'install', module]
    await promisify(execFile)('env', args, { maxBuffer: MAX_OUTPUT_BYTES })
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    throw new Error(stderr?.trim().split('\n').slice(-5).join('\n') || String(error), { cause: error })
  }
}

function elapsed(since: number): string {
  const seconds = Math.round((Date.now() - since) / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
