import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDb, type Db } from '../../src/db/client.ts'
import type { Scope } from '../../src/db/destinations/destinations.ts'
import { pruneVersions } from '../../src/db/versions.ts'
import { createDatabase } from '../support/corner.ts'

let db: Db
beforeAll(async () => {
  db = openDb(await createDatabase(`t_${randomUUID().replaceAll('-', '')}`))
})
afterAll(() => db.$disconnect())

const unlimited = { ofOne: 1_000, inAll: 1_000, bytes: 1_000_000 }

/** Writes versions of rules and of templates alike, each a minute after the one before it. */
function makeVersions(scope: Scope, kind: 'rules' | 'templates') {
  let minutes = 0
  const common = (version: number) => ({
    ...scope,
    version,
    name: 'n',
    keyId: 'key_1',
    createdAt: new Date(Date.UTC(2026, 0, 1, 0, minutes++)),
  })
  const text = () => ({ text: randomUUID().repeat(50) })
  return {
    add: async (id: string, version: number) => {
      if (kind === 'rules')
        await db.ruleVersion.create({ data: { ruleId: id, ...common(version), definition: text() } })
      else await db.templateVersion.create({ data: { templateId: id, ...common(version), parts: text() } })
    },
    makeCurrent: async (id: string, version: number) => {
      const current = { id, ...scope, version, name: 'n' }
      if (kind === 'rules') await db.rule.create({ data: { ...current, position: 1, definition: {} } })
      else await db.template.create({ data: { ...current, eventTypes: [], parts: {} } })
    },
    kept: async () => {
      const orderBy = { createdAt: 'asc' } as const
      if (kind === 'rules')
        return (await db.ruleVersion.findMany({ where: scope, orderBy })).map(
          (row) => `${row.ruleId} ${row.version}`,
        )
      const rows = await db.templateVersion.findMany({ where: scope, orderBy })
      return rows.map((row) => `${row.templateId} ${row.version}`)
    },
  }
}

describe.each(['rules', 'templates'] as const)('past versions of %s', (kind) => {
  async function begin() {
    const tenant = await db.tenant.create({ data: { id: randomUUID(), name: 'Acme', limits: {} } })
    const scope: Scope = { tenantId: tenant.id, environment: 'sandbox' }
    const prune = (limits: object) => pruneVersions(db, kind, scope, { ...unlimited, ...limits })
    // Ids of their own: the tests share a database.
    const [a, b, gone] = ['a', 'b', 'gone'].map((name) => `${name}_${tenant.id}`) as [string, string, string]
    return { scope, prune, a, b, gone, ...makeVersions(scope, kind) }
  }

  it('are bounded for each by their number, of deleted ones too', async () => {
    const { prune, a, gone, add, makeCurrent, kept } = await begin()
    for (const version of [1, 2, 3, 4]) await add(a, version)
    for (const version of [1, 2, 3, 4]) await add(gone, version)
    await makeCurrent(a, 4)
    await prune({ ofOne: 2 })
    expect(await kept()).toEqual([`${a} 2`, `${a} 3`, `${a} 4`, `${gone} 3`, `${gone} 4`])
  })

  it.each([
    ['number', { inAll: 2 }],
    ['bytes', { bytes: 4_500 }],
  ])('are bounded in all by their %s: the oldest go, and never a current one', async (_what, limits) => {
    const { prune, a, b, gone, add, makeCurrent, kept } = await begin()
    await add(b, 1)
    await makeCurrent(b, 1)
    for (const version of [1, 2]) await add(gone, version)
    for (const version of [1, 2, 3]) await add(a, version)
    await makeCurrent(a, 3)
    await prune(limits)
    expect(await kept()).toEqual([`${b} 1`, `${a} 1`, `${a} 2`, `${a} 3`])
  })

  it('are those of one environment: others keep theirs', async () => {
    const { scope, prune, a, gone, add } = await begin()
    const other = makeVersions({ ...scope, environment: 'production' }, kind)
    await other.add(gone, 1)
    await add(a, 1)
    await prune({ ofOne: 0 })
    expect(await other.kept()).toEqual([`${gone} 1`])
  })
})
