import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { renderClientFiles } from '../../../scripts/client-files.ts'
import { routes } from '../../../packages/client/src/generated/routes.ts'
import { resources } from '../../../packages/client/src/resources.ts'
import { buildClientPackage, type ClientPackage } from '../../support/releases/client-package.ts'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

let built: ClientPackage
beforeAll(async () => {
  built = await buildClientPackage()
}, 120_000)
afterAll(() => built.stop())
const readBuilt = (path: string) =>
  readFile(join(built.folder, 'node_modules/@switchyard/client', path), 'utf8')

it('the generated files are in step with openapi.json (npm run openapi)', async () => {
  const files = Object.entries(await renderClientFiles(read('openapi.json')))
  expect(files.map(([name]) => name)).toEqual(['schema.ts', 'routes.ts'])
  for (const [name, text] of files) expect(read(`packages/client/src/generated/${name}`)).toBe(text)
})

it('every operation is exactly one method', () => {
  const bound = Object.values(resources).flatMap((methods): string[] => Object.values(methods))
  expect(bound.sort()).toEqual(Object.keys(routes).sort())
})

it('the package has the compiled client, its types, and nothing else', () => {
  const others = built.files.filter((path) => !/^dist\/[\w/-]+\.(js|d\.ts)$/.test(path))
  expect(others.sort()).toEqual(['LICENSE', 'README.md', 'package.json'])
  expect(built.files).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts']))
})

it('the client has no dependencies, imports only its own files, and has at most 15 KB gzipped', async () => {
  const manifest = JSON.parse(await readBuilt('package.json')) as object
  expect(manifest).not.toHaveProperty('dependencies')
  expect(manifest).not.toHaveProperty('peerDependencies')
  const scripts = await Promise.all(built.files.filter((path) => path.endsWith('.js')).map(readBuilt))
  const imported = scripts.flatMap((text) => [...text.matchAll(/(?:from|import\(?)\s*["']([^"']+)["']/g)])
  expect(imported.length).toBeGreaterThan(10)
  expect(
    imported.map(([, path]) => path).filter((path) => !/^\.{1,2}\/[\w/.-]+\.js$/.test(path ?? '')),
  ).toEqual([])
  expect(gzipSync(scripts.join('\n')).length).toBeLessThanOrEqual(15 * 1024)
})

it('the same licence and version as the project', async () => {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  expect(JSON.parse(await readBuilt('package.json'))).toMatchObject({ version, license: 'MIT' })
  expect(await readBuilt('LICENSE')).toBe(read('LICENSE'))
})
