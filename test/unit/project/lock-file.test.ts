import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

interface LockedPackage {
  resolved?: string
  libc?: string[]
  hasInstallScript?: boolean
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const read = (path: string) =>
  JSON.parse(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')) as unknown
const { packages } = read('package-lock.json') as { packages: Record<string, LockedPackage> }
const { allowScripts } = read('package.json') as { allowScripts: Record<string, boolean> }

it('the lock file has every optional package of every platform, without which `npm ci` refuses it', () => {
  const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !isLocked(name, path))
      .map((name) => `${name}, needed by ${path}`),
  )
  expect(missing).toEqual([])
})

it('the lock file has nothing that only some versions of npm write', () => {
  const differing = Object.entries(packages).filter(([, { resolved, libc }]) => resolved ?? libc)
  expect(differing.map(([path]) => path)).toEqual([])
})

it('package.json says of every package with an install script whether that may run (npm 11 and later ask)', () => {
  const paths = Object.keys(packages).filter((path) => path !== '' && packages[path]?.hasInstallScript)
  const names = paths.map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length))
  expect(Object.keys(allowScripts)).toEqual([...new Set(names)].sort())
  expect(allowScripts['@scarf/scarf']).toBe(false)
})

/** Resolves a name as Node.js does: in the package's own node_modules, then in each folder above it. */
function isLocked(name: string, path: string): boolean {
  if (`${path === '' ? '' : `${path}/`}node_modules/${name}` in packages) return true
  if (path === '') return false
  const above = path.slice(0, path.lastIndexOf('node_modules/')).replace(/\/$/, '')
  return isLocked(name, above)
}
