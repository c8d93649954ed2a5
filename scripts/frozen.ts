import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))

/** Where `npm run freeze` writes the hashes, by path. */
export const manifestPath = join(root, 'test', 'frozen.json')

/** Files that stand for what runs somewhere: they are added and never changed, because databases and workflows cannot be. */
const frozen = [
  { folder: 'prisma/migrations', file: /\/migration\.sql$/ },
  { folder: 'test/replay/histories', file: /\.json$/ },
  { folder: 'test/replay/rows', file: /\.json$/ },
]

/** The SHA-256 of each frozen file, by its path from the root, in order. */
export function hashFrozenFiles(): Record<string, string> {
  const paths = frozen.flatMap(({ folder, file }) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(root, join(parentPath, name)).replaceAll('\\', '/'))
      .filter((path) => file.test(path)),
  )
  return Object.fromEntries(paths.sort().map((path) => [path, hash(path)]))
}

export function readManifest(): Record<string, string> {
  return JSON.parse(readFileSync(manifestPath, 'utf8')) as Record<string, string>
}

function hash(path: string): string {
  return createHash('sha256')
    .update(readFileSync(join(root, path)))
    .digest('hex')
}

/** Returns what is wrong with the files. A file that is listed nowhere is new, and `npm run freeze` lists it. */
export function findChanged(manifest: Record<string, string>, files: Record<string, string>): string[] {
  return Object.entries(manifest).flatMap(([path, hash]) => {
    if (files[path] === undefined) return [`${path} is missing: restore it`]
    return files[path] === hash ? [] : [`${path} was changed: restore it`]
  })
}

/**
 * Returns the releases without recorded histories and rows. A release records every scenario (`RELEASE=0.2.0 npm run
 * histories:record`), so that its workflows replay in later ones.
 */
export function findIncompleteReleases(changelog: string, paths: readonly string[]): string[] {
  const releases = [...changelog.matchAll(/^## \[?(\d+\.\d+\.\d+)/gm)].map(([, version = '']) => version)
  const folder = 'test/replay/histories/'
  const histories = paths.filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length))
  const scenarios = histories.filter((path) => !path.includes('/'))
  const has = (version: string) =>
    scenarios.some((name) => histories.includes(`${version}/${name}`)) &&
    paths.includes(`test/replay/rows/${version}.json`)
  return releases.filter((version) => !has(version))
}
