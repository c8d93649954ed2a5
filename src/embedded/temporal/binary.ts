import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { buildTemporal } from './build.ts'
import { downloadTemporal } from './download.ts'

/** The newest version that `go install` can build; later ones carry a replace directive. */
const VERSION = '1.5.1'
const OFFICIAL_DOWNLOADS = 'https://github.com/temporalio/cli/releases/download'
const SUFFIX = process.platform === 'win32' ? '.exe' : ''

export interface TemporalBinaryOptions {
  /** The PATH variable. */
  path: string
  cacheDir: string
  /** Absent: the official releases. A mirror must have the same folders and files. */
  downloadBase?: string
  progress: (line: string) => void
}

/** One way to get the binary; throws the reason why it could not. */
interface Way {
  name: string
  take: () => Promise<string>
}

/** Finds the `temporal` command line tool, which contains the development server, or gets it into the cache. */
export async function findTemporalBinary(options: TemporalBinaryOptions): Promise<string> {
  const { path, cacheDir, downloadBase = OFFICIAL_DOWNLOADS, progress } = options
  const folder = join(cacheDir, `temporal-${VERSION}`)
  const cached = join(folder, `temporal${SUFFIX}`)
  const fill = { version: VERSION, folder, target: cached, progress }
  const ways: Way[] = [
    { name: '`temporal` on PATH', take: () => answering(requireOnPath('temporal', path)) },
    { name: `the cache, ${cached}`, take: () => answering(cached) },
    {
      name: `the download from ${downloadBase}`,
      take: () => downloadTemporal({ ...fill, base: downloadBase }),
    },
    {
      name: `\`go install\` of version ${VERSION}`,
      take: () => buildTemporal({ ...fill, go: requireOnPath('go', path) }),
    },
  ]
  const failures: string[] = []
  for (const { name, take } of ways) {
    try {
      return await take()
    } catch (error) {
      failures.push(`- ${name}: ${errorText(error)}`)
    }
  }
  throw new Error(
    `no Temporal server could be found, downloaded or built. Tried:\n${failures.join('\n')}\n` +
      'Install the Temporal CLI (https://docs.temporal.io/cli) so that `temporal` is on PATH, or set TEMPORAL_ADDRESS ' +
      'to a running server, or install Go so that it can be built',
  )
}

/** A file may be there and yet be for another system, or cut off. */
async function answering(binary: string): Promise<string> {
  await promisify(execFile)(binary, ['--version'], { timeout: 10_000 })
  return binary
}

function requireOnPath(command: string, path: string): string {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const candidate = join(folder, `${command}${SUFFIX}`)
    try {
      accessSync(candidate, constants.X_OK)
      return candidate
    } catch {
      // Not in this folder.
    }
  }
  throw new Error('not found')
}

/** Errors of fetch say only "fetch failed"; what happened is in their cause. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'ENOENT') return 'not found'
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}
