import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const shellOf = (page: string) =>
  [...read(page).matchAll(/```sh\n([^]*?)```/g)].map(([, text = '']) => text).join('\n')

const pages = [
  'README.md',
  ...readdirSync(new URL('docs', root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** The commands of "Your first event", which the other pages build upon. */
const [firstBlock = ''] = /```sh\n[^`]*PLATFORM_KEY=[^]*?```/.exec(read('README.md')) ?? []

describe('the commands of', () => {
  it.each(pages)('%s use no variable before it is set', (page) => {
    const commands = page === 'README.md' ? shellOf(page) : `${firstBlock}\n${shellOf(page)}`
    const set = (name: string) => commands.search(new RegExp(`(?:^|[\\s(;])${name}=`, 'm'))
    const early = [...commands.matchAll(/\$([A-Z][A-Z_]*)/g)].filter(
      ({ index, 1: name = '' }) => set(name) === -1 || set(name) > index,
    )
    // Functions are written before the key that they take is set.
    expect(early.map(([name]) => name).filter((name) => !firstBlock.includes(name))).toEqual([])
  })

  it.each(pages)('%s work with any curl: `--json` came with 7.82', (page) => {
    expect(shellOf(page)).not.toMatch(/--json\b/)
  })

  it.each(pages)('%s keep npm’s banner out of files and pipes', (page) => {
    expect(
      shellOf(page)
        .split('\n')
        .filter((line) => /npm run (?!-s |--silent )[^|>]*[|>]/.test(line)),
    ).toEqual([])
  })
})

it('the documented configuration names nothing that the examples create: applying it would change that', () => {
  const examples = shellOf('README.md') + shellOf('docs/guides/rules.md')
  const made = new Set([...examples.matchAll(/"name": ?"([^"]+)"/g)].map(([, name]) => name))
  expect(made).toContain('Case system')
  const [, document = ''] = /```yaml\n([^]*?)```/.exec(read('docs/guides/configuration.md')) ?? []
  const { destinations, rules, templates } = parse(document) as Record<string, { name: string }[]>
  const names = [destinations, rules, templates].flatMap((list = []) => list.map(({ name }) => name))
  expect(names).toHaveLength(5)
  expect(names.filter((name) => made.has(name))).toEqual([])
})
