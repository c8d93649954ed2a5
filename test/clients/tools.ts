import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const spec = join(root, 'openapi.json')

/** Versions of the generators that the clients were made with. */
export const versions = {
  openapiTypescript: '7.13.0',
  openapiFetch: '0.17.0',
  heyApi: '0.95.0',
  oapiCodegen: 'v2.8.2',
  openapiPythonClient: '0.29.1',
  openapiGenerator: '7.25.0',
  schemathesis: '4.32.5',
}

export function isOnPath(tool: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, tool)))
}

/** A folder that is deleted when the test ends, with the program of this name in it. */
export async function makeFolder(program?: string, as = program): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-client-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  if (program && as) await cp(join(root, 'test/clients/programs', program), join(folder, as))
  return folder
}

/** Runs a command in a folder. Fails with the command's output. */
export async function run(
  folder: string,
  command: string,
  args: string[],
  env: object = {},
): Promise<string> {
  const options = { cwd: folder, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }
  try {
    const { stdout } = await promisify(execFile)(command, args, options)
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')} failed:\n${`${stdout}\n${stderr}`.slice(-4000)}`, {
      cause: error,
    })
  }
}
