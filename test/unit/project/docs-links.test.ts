import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const markdownIn = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
const rootPages = readdirSync(root).filter((name) => name.endsWith('.md'))
const brokenPage = 'test/unit/project/broken-links.md'
const ofTests = markdownIn('test').filter((page) => page !== brokenPage)
const clientPage = 'packages/client/README.md'
const pages = [...rootPages, ...markdownIn('docs'), ...markdownIn('.github'), ...ofTests, clientPage]

/** Reports relative links and anchors that lead nowhere, of all pages at once; it never uses the network. */
async function checkLinks(paths: string[]): Promise<string> {
  const plugin = 'remark-validate-links=repository:false,root:"./"'
  const options = ['--quiet', '--frail', '--no-stdout', '--no-color', '--use', plugin]
  const cli = join(root, 'node_modules/remark-cli/cli.js')
  const checked = promisify(execFile)(process.execPath, [cli, ...paths, ...options], { cwd: root })
  return checked.then(
    ({ stderr }) => stderr,
    ({ stderr, message }: { stderr?: string; message: string }) => stderr ?? message,
  )
}

describe('every relative link and anchor', () => {
  it('resolves, except those of a page that shows that the check works', { timeout: 60_000 }, async () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/README.md', 'docs/adr/README.md']))
    const report = await checkLinks([...pages, brokenPage])
    expect(report).toContain('Cannot find file `no-such-page.md`')
    expect(report).toContain('Cannot find heading for `#no-such-heading`')
    expect(report).toContain('⚠ 2 warnings')
  })

  it.each(pages)('in the HTML of %s resolves', (page) => {
    const text = readFileSync(join(root, page), 'utf8').replace(/```[^]*?```/g, '')
    const targets = [...text.matchAll(/\b(?:src|srcset|href)="([^"#:]+)"/g)].map(([, target = '']) => target)
    expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([])
  })
})

/** The changelog names files as they were called then. */
it.each(pages.filter((page) => page !== 'CHANGELOG.md'))('%s names only files that exist', (page) => {
  const text = readFileSync(join(root, page), 'utf8')
  const named = [...text.matchAll(/`((?:src|test|docs|scripts|prisma)\/[\w./-]+\.\w+)`/g)].map(
    ([, path = '']) => path,
  )
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

it('the README has at most 150 lines: the manual is in docs', () => {
  expect(readFileSync(join(root, 'README.md'), 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(150)
})

it('the index of the documentation lists every page', () => {
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8')
  const listed = new Set(
    [...index.matchAll(/\]\(([^)#]+)/g)].map(([, target = '']) => normalize(join('docs', target))),
  )
  const indexes = ['docs/contracts/README.md', 'docs/adr/README.md']
  const inFolders = (page: string) => /^docs\/(concepts|guides|reference|operations)\//.test(page)
  expect([...pages.filter(inFolders), ...indexes].filter((page) => !listed.has(page))).toEqual([])
})

it('the index of the decisions lists every decision', () => {
  const index = readFileSync(join(root, 'docs/adr/README.md'), 'utf8')
  const decisions = readdirSync(join(root, 'docs/adr')).filter((name) => /^\d{4}-/.test(name))
  expect(decisions.filter((name) => !index.includes(`](${name})`))).toEqual([])
})
