import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const run = promisify(execFile)

/** A folder that has `@switchyard/client` installed as npm would: built, with the files that `npm pack` takes. */
export interface ClientPackage {
  folder: string
  /** The paths of the packed files. */
  files: string[]
  stop(): Promise<void>
}

export async function buildClientPackage(): Promise<ClientPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-package-'))
  const source = join(folder, 'source')
  await cp(join(root, 'packages/client'), source, {
    recursive: true,
    filter: (path) => !path.endsWith('/dist'),
  })
  await runTsc(source, '-p', '.')
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts'], { cwd: source })
  const [{ filename, files } = { filename: '', files: [] }] = JSON.parse(stdout) as {
    filename: string
    files: { path: string }[]
  }[]
  const installed = join(folder, 'node_modules/@switchyard/client')
  await mkdir(installed, { recursive: true })
  await run('tar', ['-xzf', join(source, filename), '--strip-components=1', '-C', installed])
  return {
    folder,
    files: files.map(({ path }) => path),
    stop: () => rm(folder, { recursive: true, force: true }),
  }
}

/** The compiler of the project. Fails with its output. */
export async function runTsc(cwd: string, ...args: string[]): Promise<void> {
  try {
    await run(process.execPath, [join(root, 'node_modules/typescript/lib/tsc.js'), ...args], { cwd })
  } catch (error) {
    throw new Error((error as { stdout?: string }).stdout, { cause: error })
  }
}
