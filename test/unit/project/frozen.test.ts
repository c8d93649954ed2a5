import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import {
  findChanged,
  findIncompleteReleases,
  hashFrozenFiles,
  readManifest,
} from '../../../scripts/frozen.ts'

const files = hashFrozenFiles()

it('migrations and recorded histories are as they were when they were added', () => {
  expect(findChanged(readManifest(), files)).toEqual([])
})

it('new migrations and histories are listed: npm run freeze', () => {
  const manifest = readManifest()
  expect(Object.keys(files).filter((path) => !(path in manifest))).toEqual([])
})

it('a file that was changed or removed is found', () => {
  const [path = '', other = ''] = Object.keys(files)
  const { [other]: _removed, ...left } = files
  expect(findChanged(files, { ...left, [path]: 'another hash' })).toEqual([
    `${path} was changed: restore it`,
    `${other} is missing: restore it`,
  ])
})

it('every release in the changelog has its own set of histories and rows', () => {
  const changelog = readFileSync(new URL('../../../CHANGELOG.md', import.meta.url), 'utf8')
  expect(findIncompleteReleases(changelog, Object.keys(files))).toEqual([])
})

it('a release that has not recorded its histories is found', () => {
  const recorded = ['histories/one.json', 'histories/0.1.0/one.json', 'rows/0.1.0.json', 'rows/0.2.0.json']
  const paths = recorded.map((path) => `test/replay/${path}`)
  const changelog = '## Unreleased\n\n## [0.2.0] - 2027-02-01\n\n## 0.1.0\n'
  expect(findIncompleteReleases(changelog, paths)).toEqual(['0.2.0'])
})
