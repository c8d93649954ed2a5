import { z } from 'zod'

/** The fields that are read from npm's lockfile (version 3). */
const lockfileShape = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      license: z.string().optional(),
      integrity: z.string().optional(),
      dev: z.boolean().optional(),
    }),
  ),
})

export interface Package {
  name: string
  version: string
  licence: string
  /** True if the lockfile holds the package's hash. */
  pinned: boolean
}

/** Two packages without a licence in their manifest; their repositories name one. */
const said: Record<string, string> = { 'seq-queue': 'MIT', unionfs: 'Unlicense' }

/** Licences that only require attribution. EPL-2.0 is for a package that is used unmodified. */
const allowed = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-4.0',
  'EPL-2.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Unlicense',
]

/** The packages installed to run the product, by name and version, without development dependencies. */
export function shippedPackages(lockfile: unknown): Package[] {
  const { packages } = lockfileShape.parse(lockfile)
  const found = Object.entries(packages).flatMap(([path, { version, license, integrity, dev }]) => {
    const name = path.split('node_modules/').at(-1) ?? ''
    if (name === '' || version === undefined || dev === true) return []
    const licence = license ?? said[name] ?? 'unknown'
    return [{ name, version, licence, pinned: integrity !== undefined }]
  })
  const unique = new Map(found.map((one) => [`${one.name}@${one.version}`, one]))
  return [...unique.entries()].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, one]) => one)
}

/** `A AND B` needs both licences to be allowed, `A OR B` one. */
export function isAllowed(licence: string): boolean {
  const bare = licence.replace(/[()]/g, '')
  if (bare.includes(' OR ')) return bare.split(' OR ').some(isAllowed)
  return bare.split(/ and /i).every((one) => allowed.includes(one))
}

export function renderLicences(packages: readonly Package[]): string {
  const rows = packages.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`)
  const counts = new Map<string, number>()
  for (const { licence } of packages) counts.set(licence, (counts.get(licence) ?? 0) + 1)
  const most = [...counts].sort(([, left], [, right]) => right - left)
  return [
    '# Third-party licences',
    '',
    `The lock file has ${packages.length} packages that Switchyard runs with, including packages for one platform only. \`npm run licences\``,
    'writes this list. A test fails if it is out of date or contains a licence that is not allowed.',
    '',
    most.map(([licence, count]) => `${licence}: ${count}`).join(', ') + '.',
    '',
    '| package | version | licence |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}
