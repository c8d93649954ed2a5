import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keyScopes } from '../../../src/api/auth/scopes.ts'
import { readCommandConfig, readConfig } from '../../../src/config.ts'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

describe('docs/reference/environment.md', () => {
  const rows = read('docs/reference/environment.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const documented = new Map(
    rows.map(([, name = '', given = '', meaning = '']) => [name.replaceAll('`', ''), { given, meaning }]),
  )
  const defaults = { ...readConfig({}), ...readCommandConfig({ SWITCHYARD_KEY: 'sk_test_x' }) }
  const { variable: _, SWITCHYARD_KEY: __, ...withDefault } = defaults

  it('documents every variable that the code reads, and no other', () => {
    const written = [...read('src/config.ts').matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(([, name]) => name)
    // Those of the channels, such as SLACK_HOSTS, derive from the registry.
    const derived = Object.keys(withDefault).filter((name) => name.endsWith('_HOSTS'))
    const declared = [...written, ...derived]
    expect(declared).toEqual(expect.arrayContaining(Object.keys(withDefault)))
    expect([...documented.keys()].sort()).toEqual(declared.sort())
    expect(rows).toHaveLength(documented.size)
  })

  it.each(Object.entries(withDefault))('has the default of %s', (name, value) => {
    const given = documented.get(name)?.given.replaceAll('`', '')
    expect(given).toBe(shown(value))
  })

  it('says what each variable means, and what applies without it', () => {
    for (const [name, { given, meaning }] of documented) {
      expect(given, name).not.toBe('')
      expect(meaning, name).not.toBe('')
    }
  })

  it.each(['.env.example', 'docker-compose.yml'])('documents every variable of %s', (file) => {
    const used = [...read(file).matchAll(/^ *#? ?([A-Z][A-Z0-9_]+)[:=]/gm)].map(([, name = '']) => name)
    const ofOthers =
      /^(POSTGRES_|SQL_|DB$|DB_PORT$|BIND_ON_IP|DEFAULT_NAMESPACE|DYNAMIC_CONFIG|TEMPORAL_CODEC_)/
    expect(used.filter((name) => !documented.has(name) && !ofOthers.test(name))).toEqual([])
  })
})

/** A default as the table writes it: lists with commas, paths from the project's folder and from the home folder. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(',')
  if (value === '') return 'empty'
  return String(value)
    .replace(resolve('.') + '/', '')
    .replace(homedir(), '~')
}

describe('scopes in the documentation', () => {
  const pages = [
    'README.md',
    'SECURITY.md',
    'CHANGELOG.md',
    ...readdirSync(new URL('docs', root), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ]

  it.each(pages)('%s names only scopes that exist', (page) => {
    const named = [...read(page).matchAll(/`"?([a-z-]+:(?:read|write|erase))"?`/g)].map(([, scope]) => scope)
    const inLists = [...read(page).matchAll(/"([a-z-]+:(?:read|write|erase))"/g)].map(([, scope]) => scope)
    expect([...named, ...inLists].filter((scope) => !keyScopes.some((known) => known === scope))).toEqual([])
  })

  it('docs/reference/keys.md documents every scope', () => {
    const page = read('docs/reference/keys.md')
    const [, table = ''] = page.split('## Scopes')
    expect(keyScopes.filter((scope) => !table.includes(`\`${scope}\``))).toEqual([])
  })

  it('docs/guides/configuration.md names the scopes of its routes', () => {
    const page = read('docs/guides/configuration.md')
    expect(page).toContain('`configuration:read`')
    expect(page).toContain('`configuration:write`')
  })
})
