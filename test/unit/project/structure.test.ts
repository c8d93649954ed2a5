import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const src = join(root, 'src')
const support = join(root, 'test', 'support')
const generated = join(src, 'db', 'generated')
const entries = filesIn(src).filter(({ parentPath }) => !parentPath.startsWith(generated))

it('no folder of src or of test/support has more than 16 files', () => {
  const files = new Map<string, number>()
  for (const { parentPath } of [...entries, ...filesIn(support)])
    files.set(parentPath, (files.get(parentPath) ?? 0) + 1)
  const large = [...files].filter(([, count]) => count > 16)
  expect(large.map(([folder, count]) => `${relative(root, folder)}: ${count}`)).toEqual([])
})

it('no file of src has more than 300 lines', () => {
  const long = entries.flatMap(({ parentPath, name }) => {
    const lines = readFileSync(join(parentPath, name), 'utf8').split('\n').length - 1
    return lines > 300 ? [`${relative(src, join(parentPath, name))}: ${lines}`] : []
  })
  expect(long).toEqual([])
})

function filesIn(folder: string) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
}
