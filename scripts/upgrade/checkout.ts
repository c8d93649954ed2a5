import { execFileSync, type ExecFileSyncOptions } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Unpacks a version of the source with its dependencies and its generated client. */
export async function checkOut(ref: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const archive = execFileSync('git', ['archive', ref], { cwd: root, maxBuffer: 1 << 30 })
  execFileSync('tar', ['-x', '-C', folder], { input: archive })
  const quiet: ExecFileSyncOptions = { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] }
  if (readRuntime(folder) === readRuntime(root)) {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    execFileSync('npm', ['run', 'generate'], quiet)
  } else execFileSync('npm', ['ci', '--no-audit', '--no-fund'], quiet)
  return folder
}

/** The locked packages, except those that are needed for development only. */
function readRuntime(place: string): string {
  const { packages } = JSON.parse(readFileSync(join(place, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; dev?: boolean }>
  }
  const runtime = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev)
  return JSON.stringify(runtime.map(([path, { version }]) => [path, version]).sort())
}
