import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashEntry } from '../../src/db/audit/chain.ts'
import { doAudited, readHead, recordAudit } from '../../src/db/audit/audit.ts'
import { inTenantTurn, openDb, type Db, type Tx } from '../../src/db/client.ts'
import { Prisma } from '../../src/db/generated/client.ts'
import { powerOverAudit } from '../../src/db/schema/grants.ts'
import { countUnchained, listChains, verifyChain } from '../../src/db/audit/verify.ts'
import { runSql, tamper } from '../support/resources/audit.ts'
import { asOwner, createDatabase } from '../support/corner.ts'

/** Two processes: each has its own connections. */
let url: string
let one: Db
let other: Db
beforeAll(async () => {
  url = await createDatabase(`t_${randomUUID().replaceAll('-', '')}`)
  ;[one, other] = [openDb(url), openDb(url)]
})
afterAll(() => Promise.all([one.$disconnect(), other.$disconnect()]))

let made = 0
/** A tenant, whose chain is its own. */
async function aTenant(): Promise<string> {
  const { id } = await one.tenant.create({ data: { id: `ten_${++made}`, name: 'Acme', limits: {} } })
  return id
}

async function record(tenantId: string, count: number, more: object = {}): Promise<void> {
  for (let n = 1; n <= count; n++)
    await recordAudit(one, { tenantId, keyId: 'key_1', action: 'thing.changed', subject: `s${n}`, ...more })
}

const where = (chain: string, sequence: number) => `"chain" = '${chain}' AND "sequence" = ${sequence}`

describe('the chain of a tenant', () => {
  it('is intact when read back, whatever was written', async () => {
    const tenantId = await aTenant()
    const odd = {
      zebra: 1,
      alpha: [1.0, -0, 1e21, 1e-7, 123456789.123456789, Number.MAX_SAFE_INTEGER],
      'key "with" \u2028 ünïcode 日本': { b: null, a: true, nothing: undefined, empty: {}, list: [] },
      text: 'line\nbreak \\ \u007f 🔑',
    }
    const full = { keyId: 'key_1', address: '::1', session: 'ses_1' }
    await recordAudit(one, {
      tenantId,
      ...full,
      action: 'thing.changed',
      before: odd as never,
      after: { ...odd, zebra: 2 } as never,
    })
    await recordAudit(one, { tenantId, keyId: 'key_1', action: 'thing.deleted', before: {}, after: {} })
    await record(tenantId, 3)
    expect(await verifyChain(other, tenantId)).toEqual({
      chain: tenantId,
      entries: 5,
      head: await readHead(one, tenantId),
    })
  })

  it('has no gap and no fork after 50 changes at once by two processes, and none waits for ever', async () => {
    const tenantId = await aTenant()
    const change = (n: number) => {
      const db = n % 2 ? one : other
      const entry = { tenantId, keyId: 'key_1', action: 'thing.changed', subject: `s${n}` }
      // As the API does it: in the tenant's turn, by itself, and together with something else.
      if (n % 3 === 0) return inTenantTurn(db, tenantId, (tx) => recordAudit(tx, entry))
      return n % 3 === 1 ? recordAudit(db, entry) : doAudited(db, entry, () => Promise.resolve())
    }
    await Promise.all(Array.from({ length: 50 }, (_, n) => change(n)))
    expect(await verifyChain(one, tenantId)).toMatchObject({ entries: 50, head: { sequence: 50 } })
    const rows = await one.auditEntry.findMany({ where: { tenantId }, select: { subject: true } })
    expect(new Set(rows.map(({ subject }) => subject)).size).toBe(50)
  })

  it('is one for each environment and one for the tenant as a whole, numbered apart, and none waits for ever', async () => {
    const tenantId = await aTenant()
    const chains = [tenantId, `${tenantId}/sandbox`, `${tenantId}/production`]
    const write = (db: Tx, environment?: string) =>
      recordAudit(db, { tenantId, environment, keyId: 'key_1', action: 'thing.changed' })
    const both = (db: Db, first: string, second: string) =>
      db.$transaction(async (tx) => {
        await write(tx, first)
        await write(tx, second)
      })
    await Promise.all([
      ...Array.from({ length: 5 }, () => both(one, 'sandbox', 'production')),
      ...Array.from({ length: 5 }, () => both(other, 'production', 'sandbox')),
      write(one),
    ])
    expect(await listChains(one, tenantId)).toEqual(chains.toSorted())
    const reports = await Promise.all(chains.map((chain) => verifyChain(one, chain)))
    expect(reports).toMatchObject([{ entries: 1 }, { entries: 10 }, { entries: 10 }])
    expect(reports.filter(({ broken }) => broken)).toEqual([])
  })

  it('of an earlier version holds both environments: it stays whole, and goes on with what is about the tenant', async () => {
    const tenantId = await aTenant()
    await record(tenantId, 1)
    const { id: _id, ...first } = await one.auditEntry.findFirstOrThrow({ where: { chain: tenantId } })
    const earlier = {
      ...first,
      id: 'aud_earlier',
      environment: 'sandbox',
      sequence: 2,
      previousHash: first.hash,
    }
    await tamper(url) // Without the constraint, which such entries precede.
    await one.auditEntry.create({
      data: { ...earlier, before: Prisma.DbNull, after: Prisma.DbNull, hash: hashEntry(earlier) },
    })
    await record(tenantId, 1)
    await record(tenantId, 1, { environment: 'sandbox' })
    expect(await verifyChain(one, tenantId)).toMatchObject({ entries: 3, head: { sequence: 3 } })
    expect(await verifyChain(one, `${tenantId}/sandbox`)).toMatchObject({ entries: 1 })
  })

  it('keeps nothing of what was rolled back, and goes on without a gap', async () => {
    const tenantId = await aTenant()
    await record(tenantId, 1)
    const failing = one.$transaction(async (tx) => {
      await recordAudit(tx, { tenantId, keyId: 'key_1', action: 'thing.lost' })
      throw new Error('it did not work')
    })
    await expect(failing).rejects.toThrow('it did not work')
    await record(tenantId, 1)
    expect(await verifyChain(one, tenantId)).toMatchObject({ entries: 2 })
    expect(await one.auditEntry.count({ where: { tenantId, action: 'thing.lost' } })).toBe(0)
  })

  it('says of an action outside the database that it was begun, and that it failed', async () => {
    const tenantId = await aTenant()
    const entry = { tenantId, keyId: 'key_1', action: 'thing.sent', subject: 's1', after: { n: 1 } }
    await expect(doAudited(one, entry, () => Promise.reject(new Error('no answer')))).rejects.toThrow(
      'no answer',
    )
    const rows = await one.auditEntry.findMany({ where: { tenantId }, orderBy: { sequence: 'asc' } })
    expect(rows).toMatchObject([
      { action: 'thing.sent', after: { n: 1 } },
      { action: 'thing.sent.failed', subject: 's1', after: null },
    ])
  })

  const sha256 = expect.stringMatching(/^[0-9a-f]{64}$/) as string

  it('keeps of a value above 8 KiB its size, its hash and the paths that changed', async () => {
    const tenantId = await aTenant()
    const long = 'x'.repeat(9_000)
    const parts = { email: { html: long, subject: 'A' }, slack: { text: 'A' } }
    const changed = { email: { html: `${long}y`, subject: 'A' }, slack: { blocks: '[]' } }
    await record(tenantId, 1, {
      before: { name: 'A', parts, text: long },
      after: { name: 'B', parts: changed, text: `${long}y` },
    })
    const { before, after } = await one.auditEntry.findFirstOrThrow({ where: { tenantId } })
    const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value))
    expect(before).toEqual({
      name: 'A',
      parts: { omitted: bytes(parts), sha256 },
      text: { omitted: 9_002, sha256 },
    })
    expect(after).toEqual({
      name: 'B',
      parts: { omitted: bytes(changed), sha256, changed: ['email.html', 'slack.text', 'slack.blocks'] },
      text: { omitted: 9_003, sha256 },
    })
    expect(await verifyChain(one, tenantId)).not.toHaveProperty('broken')
  })

  it('keeps at most 64 KiB of values in an entry, the smallest of them', async () => {
    const tenantId = await aTenant()
    const fields = (letter: string) =>
      Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`f${n}`, letter.repeat(5_000 + n)]))
    await record(tenantId, 1, { before: fields('a'), after: fields('b') })
    const { before, after } = await one.auditEntry.findFirstOrThrow({ where: { tenantId } })
    expect(Buffer.byteLength(JSON.stringify({ before, after }))).toBeLessThan(64 * 1024)
    expect(before).toMatchObject({ f0: 'a'.repeat(5_000), f7: { omitted: 5_009, sha256 } })
    expect(await verifyChain(one, tenantId)).not.toHaveProperty('broken')
  })

  it.each([
    ['what was done', `UPDATE "AuditEntry" SET "action" = 'thing.kept' WHERE`],
    ['a value', `UPDATE "AuditEntry" SET "after" = '{"n":2}' WHERE`],
    ['who did it', `UPDATE "AuditEntry" SET "keyId" = 'key_2' WHERE`],
    ['the time, by a millisecond', `UPDATE "AuditEntry" SET "at" = "at" + interval '1 ms' WHERE`],
  ])('that has another %s than before is found at that entry', async (_what, statement) => {
    const tenantId = await aTenant()
    await record(tenantId, 5, { after: { n: 1 } })
    await tamper(url, `${statement} ${where(tenantId, 3)}`)
    expect((await verifyChain(one, tenantId)).broken).toEqual({
      sequence: 3,
      why: 'changed: its content does not match its hash',
    })
  })

  it('that lacks an entry, or has two of them the other way round, is found there', async () => {
    const [lacking, swapped] = [await aTenant(), await aTenant()]
    for (const tenantId of [lacking, swapped]) await record(tenantId, 5)
    const put = (from: number, to: number) =>
      `UPDATE "AuditEntry" SET "sequence" = ${to} WHERE ${where(swapped, from)}`
    await tamper(url, `DELETE FROM "AuditEntry" WHERE ${where(lacking, 2)}`, put(3, 9), put(4, 3), put(9, 4))
    expect((await verifyChain(one, lacking)).broken).toEqual({
      sequence: 2,
      why: 'missing: the next entry is 3',
    })
    expect((await verifyChain(one, swapped)).broken).toEqual({
      sequence: 3,
      why: 'out of order: it does not follow the previous entry',
    })
  })

  it('that has an entry older than the one before it, hashed anew, is found there', async () => {
    const tenantId = await aTenant()
    await record(tenantId, 2)
    const {
      previousHash: _previous,
      hash,
      ...last
    } = await one.auditEntry.findFirstOrThrow({ where: { chain: tenantId, sequence: 2 } })
    const backdated = {
      ...last,
      id: 'aud_backdated',
      sequence: 3,
      at: new Date(last.at.getTime() - 1),
      previousHash: hash,
    }
    await one.auditEntry.create({
      data: {
        ...backdated,
        before: Prisma.DbNull,
        after: Prisma.DbNull,
        hash: hashEntry(backdated as never),
      },
    })
    expect((await verifyChain(one, tenantId)).broken).toEqual({
      sequence: 3,
      why: 'out of order: it is older than the previous entry',
    })
  })

  it('that was cut off or written anew is found by a head noted before', async () => {
    const tenantId = await aTenant()
    await record(tenantId, 3)
    const noted = await readHead(one, tenantId)
    const head = { sequence: noted?.sequence ?? 0, hash: noted?.hash ?? '' }
    await tamper(url, `DELETE FROM "AuditEntry" WHERE ${where(tenantId, 3)}`)
    expect(await verifyChain(one, tenantId)).not.toHaveProperty('broken')
    expect((await verifyChain(one, tenantId, { expected: [head] })).broken).toEqual({
      sequence: 3,
      why: 'missing: the chain now ends before entry 3',
    })
    await record(tenantId, 2, { action: 'thing.forged' })
    expect((await verifyChain(one, tenantId, { expected: [head] })).broken).toEqual({
      sequence: 3,
      why: 'changed: its hash differs from the expected one',
    })
  })

  it('of more entries than are read at once is verified to its end', async () => {
    const tenantId = await aTenant()
    await record(tenantId, 25)
    const heard: number[] = []
    const onPage = (entries: number) => heard.push(entries)
    const report = await verifyChain(one, tenantId, { pageSize: 10, onPage })
    expect([report.entries, report.broken, heard]).toEqual([25, undefined, [10, 20, 25]])
  })

  it('has no part in entries from before there were chains: they are counted apart', async () => {
    const tenantId = await aTenant()
    const columns = '"id", "tenantId", "environment", "keyId", "action"'
    const old = (n: number) =>
      `INSERT INTO "AuditEntry" (${columns}) VALUES ('aud_old${n}', '${tenantId}', 'sandbox', 'key_1', 'rule.created')`
    await tamper(url, old(1), old(2))
    await record(tenantId, 1)
    expect(await countUnchained(one, tenantId)).toBe(2)
    expect(await verifyChain(one, tenantId)).toMatchObject({ entries: 1 })
  })

  it('is one of all of them, beside the platform’s', async () => {
    await recordAudit(one, { keyId: 'ADMIN_API_KEY', action: 'key.created' })
    const chains = await listChains(one)
    expect(chains).toEqual([...new Set(chains)].sort())
    expect(chains).toContain('platform')
    expect(await verifyChain(one, 'platform')).toMatchObject({ entries: 1 })
  })
})

describe('the application’s role', () => {
  it.each([
    `UPDATE "AuditEntry" SET "action" = 'x'`,
    'DELETE FROM "AuditEntry"',
    'TRUNCATE "AuditEntry"',
    'DROP TRIGGER "AuditEntry_keeps_rows" ON "AuditEntry"',
    'ALTER TABLE "AuditEntry" DISABLE TRIGGER ALL',
    'ALTER TABLE "AuditEntry" DROP CONSTRAINT "AuditEntry_chained"',
    'DROP TABLE "AuditEntry"',
    'DROP FUNCTION "refuse_audit_change" CASCADE',
    'CREATE OR REPLACE FUNCTION "refuse_audit_change"() RETURNS trigger LANGUAGE sql AS $$SELECT 1$$',
    'SET session_replication_role = replica',
    `INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name") VALUES ('1', '1', '1')`,
  ])('may not: %s', async (statement) => {
    await expect(runSql(url, statement)).rejects.toThrow(/permission denied|must be owner|must be able/)
  })

  it('has no power over the log that its owner has', async () => {
    expect(await powerOverAudit(url)).toBeUndefined()
    expect(await powerOverAudit(asOwner(url))).toMatch(/is a superuser$/)
  })
})

it.each([
  `UPDATE "AuditEntry" SET "action" = 'x'`,
  'DELETE FROM "AuditEntry"',
  'TRUNCATE "AuditEntry"',
  `SET session_replication_role = replica; DELETE FROM "AuditEntry"`,
])('the database refuses its owner as well: %s', async (statement) => {
  const fresh = await createDatabase(`t_${randomUUID().replaceAll('-', '')}`)
  const db = openDb(fresh)
  await recordAudit(db, { keyId: 'key_1', action: 'key.created' })
  await expect(runSql(asOwner(fresh), statement)).rejects.toThrow('the audit log is append-only')
  expect(await db.auditEntry.count()).toBe(1)
  await db.$disconnect()
})
