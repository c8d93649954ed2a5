import { constants } from 'node:fs'
import { copyFile, mkdir, readdir, readlink, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Copies a folder with its modes, except what `skip` names by its path in the folder. Files that vanish meanwhile are left out: a
 * running database removes some.
 */
export async function copyFiles(
  from: string,
  to: string,
  skip: (path: string) => boolean = () => false,
  path = '',
): Promise<void> {
  const { mode } = await stat(join(from, path))
  await mkdir(join(to, path), { recursive: true, mode })
  for (const entry of await readdir(join(from, path), { withFileTypes: true })) {
    const inside = join(path, entry.name)
    if (skip(inside)) continue
    if (entry.isDirectory()) await copyFiles(from, to, skip, inside)
    else if (entry.isSymbolicLink()) await symlink(await readlink(join(from, inside)), join(to, inside))
    // A clone where the file system can make one, which takes no time.
    else if (entry.isFile())
      await unlessGone(copyFile(join(from, inside), join(to, inside), constants.COPYFILE_FICLONE))
  }
}

async function unlessGone(copying: Promise<void>): Promise<void> {
  try {
    await copying
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}
