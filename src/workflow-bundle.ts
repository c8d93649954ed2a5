import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DataConverter } from '@temporalio/common'
import { bundleWorkflowCode, Runtime } from '@temporalio/worker'

const root = fileURLToPath(new URL('../', import.meta.url))
const cacheFolder = join(root, 'node_modules', '.cache', 'switchyard')

/** The converters' modules become part of the bundle. */
type Converters = Pick<DataConverter, 'payloadConverterPath' | 'failureConverterPath'>

/**
 * Returns the workflow bundle that belongs to the current source. Bundling takes two seconds of CPU time, so the result is cached
 * by a hash of everything that it depends on: a restarted worker is ready sooner. Without a writable cache it bundles every time.
 */
export async function loadWorkflowBundle({
  payloadConverterPath,
  failureConverterPath,
}: Converters): Promise<{ code: string }> {
  const converters = { payloadConverterPath, failureConverterPath }
  const path = join(cacheFolder, `workflows-${await hashSources(converters)}.js`)
  if (existsSync(path)) return { code: await readFile(path, 'utf8') }
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'src', 'workflows', 'index.ts'),
    logger: Runtime.instance().logger,
    ...converters,
  })
  await cache(path, code).catch(() => undefined)
  return { code }
}

async function hashSources(converters: Converters): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([process.version, converters]))
  for (const file of [
    'package-lock.json',
    ...(await filesIn('src/workflows')),
    ...(await filesIn('src/domain')),
  ]) {
    const path = join(root, file)
    hash.update(`${file}\0`)
    if (existsSync(path)) hash.update(await readFile(path))
  }
  return hash.digest('hex').slice(0, 32)
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map(({ parentPath, name }) => relative(root, join(parentPath, name))).sort()
}

/** Renaming is atomic, so another process never reads half a bundle. */
async function cache(path: string, code: string): Promise<void> {
  await mkdir(cacheFolder, { recursive: true })
  const temporary = `${path}.${process.pid}`
  await writeFile(temporary, code)
  await rename(temporary, path)
}
