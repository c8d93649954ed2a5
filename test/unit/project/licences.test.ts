import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isAllowed, renderLicences, shippedPackages } from '../../../scripts/licence-list.ts'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const packages = shippedPackages(JSON.parse(read('package-lock.json')))

describe('what Switchyard stands on', () => {
  it('is listed in docs/reference/licences.md as the lockfile has it (npm run licences)', () => {
    expect(packages.length).toBeGreaterThan(100)
    expect(read('docs/reference/licences.md')).toBe(renderLicences(packages))
  })

  it('has licences that may be used', () => {
    expect(packages.filter(({ licence }) => !isAllowed(licence))).toEqual([])
  })

  it('is pinned by hash, package by package', () => {
    expect(packages.filter(({ pinned }) => !pinned)).toEqual([])
  })
})

describe('a licence', () => {
  it.each([
    ['MIT', true],
    ['(MIT OR EUPL-1.1+)', true],
    ['Apache-2.0 AND MIT', true],
    ['MIT and ISC', true],
    ['AGPL-3.0', false],
    ['MIT AND AGPL-3.0', false],
    ['(GPL-2.0 OR AGPL-3.0)', false],
    ['unknown', false],
  ])('%s: may be used is %s', (licence, expected) => {
    expect(isAllowed(licence)).toBe(expected)
  })
})
