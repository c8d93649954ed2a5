import { readFileSync, writeFileSync } from 'node:fs'
import { isAllowed, renderLicences, shippedPackages } from './licence-list.ts'

/**
 * `npm run licences` writes the list of third-party licences (docs/reference/licences.md) and fails if a licence is not allowed.
 * It reads the lock file, which is the same on every machine.
 */
const lockfile = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')
const packages = shippedPackages(JSON.parse(lockfile))
writeFileSync(new URL('../docs/reference/licences.md', import.meta.url), renderLicences(packages))

const refused = packages.filter(({ licence }) => !isAllowed(licence))
for (const { name, version, licence } of refused)
  console.error(`${name} ${version}: the licence ${licence} is not allowed`)
console.log(`docs/reference/licences.md lists ${packages.length} packages.`)
if (refused.length > 0) process.exitCode = 1
