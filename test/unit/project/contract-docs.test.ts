import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { wireFormatNames } from '../../../src/domain/wire-formats/index.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = `${root}docs/contracts/`
const pages = readdirSync(folder).filter((name) => name !== 'README.md')

/** The rows of a page's table, without its head. */
function rowsOf(page: string): string[][] {
  const lines = readFileSync(folder + page, 'utf8').split('\n')
  const table = lines.filter((line) => line.startsWith('|')).slice(2)
  return table.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const filesIn = (cell: string) =>
  [...cell.matchAll(/`((?:src|test)\/[\w./-]+)`/g)].map(([, path]) => path ?? '')

describe.each(pages)('docs/contracts/%s', (page) => {
  it('leaves no promise without a place where it is kept and a test', () => {
    expect(rowsOf(page).length).toBeGreaterThan(4)
    for (const [promise, kept = '', test = '', ...rest] of rowsOf(page)) {
      expect(rest, promise).toEqual([])
      expect(filesIn(test).length, promise).toBeGreaterThan(0)
      expect(kept, promise).not.toBe('')
      for (const path of [...filesIn(kept), ...filesIn(test)])
        expect(existsSync(root + path), path).toBe(true)
    }
  })
})

it('docs/contracts/README.md names every wire format and every page', () => {
  const overview = readFileSync(`${folder}README.md`, 'utf8')
  for (const name of wireFormatNames) expect(overview).toContain(`\`${name}\``)
  for (const page of pages) expect(overview).toContain(`](${page})`)
})
