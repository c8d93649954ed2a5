import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

interface LockedPackage {
  resolved?: string
  libc?: string[]
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const { packages } = JSON.parse(
  readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
) as { packages: Record<string, LockedPackage> }

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

/** Resolves a name as Node.js does: in the package's own node_modules, then in each folder above it. */
function isLocked(name: string, path: string): boolean {
  if (`${path === '' ? '' : `${path}/`}node_modules/${name}` in packages) return true
  if (path === '') return false
  const above = path.slice(0, path.lastIndexOf('node_modules/')).replace(/\/$/, '')
  return isLocked(name, above)
}
