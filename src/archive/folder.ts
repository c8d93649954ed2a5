import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Archive } from './archive.ts'
import { parseDay, archiveFolder, dayPath, readLines } from './lines.ts'

/**
 * An archive in a folder: `<root>/<tenantId>/<environment>/<day>.jsonl`, readable by our account only. Several workers need a
 * shared folder.
 */
export function createFolderArchive(root: string): Archive {
  return {
    async put(place, file) {
      const target = join(root, dayPath(place))
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      await removeParts(target)
      // In the same folder as the target, because a rename is atomic only within a file system.
      const part = `${target}.${randomUUID()}.part`
      try {
        await copyFile(file, part, constants.COPYFILE_EXCL)
        await chmod(part, 0o600)
        await flush(part)
        await rename(part, target)
      } finally {
        await rm(part, { force: true })
      }
      await flush(dirname(target))
    },
    async *read(place) {
      const file = await openIfExists(join(root, dayPath(place)))
      if (file) yield* readLines(file.createReadStream())
    },
    async days({ tenantId, environment }) {
      const names = await namesIn(join(root, archiveFolder(tenantId, environment)))
      return names.flatMap((name) => parseDay(name) ?? []).sort()
    },
    async removeTenant(tenantId) {
      const folder = join(root, archiveFolder(tenantId))
      const names = await namesIn(folder, { recursive: true })
      await rm(folder, { recursive: true, force: true })
      return names.filter((name) => parseDay(basename(name)) !== undefined).length
    },
  }
}

/** An interrupted put leaves a partial file. Only one put per tenant runs at a time. */
async function removeParts(target: string): Promise<void> {
  const parts = (await namesIn(dirname(target))).filter(
    (name) => name.startsWith(`${basename(target)}.`) && name.endsWith('.part'),
  )
  for (const part of parts) await rm(join(dirname(target), part), { force: true })
}

async function namesIn(folder: string, options: { recursive?: boolean } = {}): Promise<string[]> {
  try {
    return await readdir(folder, options)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Flushes to disk: from then on the day counts as archived, and Temporal will delete its source. */
async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function openIfExists(path: string) {
  try {
    return await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
