import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import pg from 'pg'
import { expect, it } from 'vitest'
import { migrationsFolder } from '../../src/db/schema/migrate.ts'
import { asOwner } from '../support/corner.ts'
import { recordedKeys, type RecordedRows } from '../support/releases/recorded-rows.ts'
import { startReceiver } from '../support/servers/receiver.ts'
import { closedLog, makeRule, makeWebhook, post } from '../support/workflows/rules.ts'
import { adminKey, apiOf, makeTenant, startStack, untilTestEnds } from '../support/stack.ts'
import { anEventType, anUnconfirmedEmail, aRule, aTemplate, type World } from '../support/things.ts'

/**
 * Not a test: writes the rows of a tenant as this version writes them, for test/db/older-rows.test.ts. With `RELEASE=0.2.0`, those of
 * that release.
 */
const folder = new URL('./rows/', import.meta.url)
const file = new URL(`${process.env.RELEASE ?? 'baseline'}.json`, folder)

it.runIf(existsSync(file))('the rows are recorded already', () => expect(existsSync(file)).toBe(true))

it.runIf(!existsSync(file))('the rows of a tenant that has everything', async () => {
  const stack = untilTestEnds(await startStack({ secretKeys: recordedKeys }))
  const { api, id: tenantId } = await makeTenant(stack)
  const { url: receiverUrl } = untilTestEnds(await startReceiver())
  const platform = apiOf(stack.app, adminKey)
  const world: World = { tenantId, environment: 'sandbox', api, platform, receiverUrl, mark: 'Recorded' }
  await anUnconfirmedEmail(world)
  await aRule(world)
  await aTemplate(world)
  await anEventType(world)
  const hook = await makeWebhook(api, undefined, { maxPerSecond: 5 }, ['paced.*'])
  await makeRule(api, { dedupe: { by: 'data.n', within: '1h' }, steps: [{ deliver: { to: [hook.id] } }] })
  for (const type of ['paced.one', 'aml.match.found'])
    await closedLog(api, await post(api, { type, data: { n: 1 } }))
  await api.post('/rules', ruleOf(hook.id)).set('Idempotency-Key', 'one').expect(201)

  const recorded = await readRows(asOwner(stack.corner.databaseUrl))
  expect(Object.keys(recorded.tables).length).toBeGreaterThanOrEqual(12)
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, `${JSON.stringify(recorded, undefined, 2)}\n`)
})

function ruleOf(destinationId: string) {
  return {
    name: 'Recorded',
    when: { events: ['never.*'] },
    steps: [{ deliver: { to: [destinationId] } }],
  }
}

/** All rows by table. Tables that others refer to come first. */
async function readRows(databaseUrl: string): Promise<RecordedRows> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const tables: RecordedRows['tables'] = {}
  const { rows: found } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> '_prisma_migrations'
     ORDER BY relname NOT IN ('Tenant'), relname NOT IN ('Destination', 'Rule'), relname`,
  )
  for (const { name } of found) {
    const { rows } = await client.query<{ row: Record<string, unknown> }>(
      `SELECT to_jsonb(t) AS row FROM ${client.escapeIdentifier(name)} AS t`,
    )
    if (rows.length > 0) tables[name] = rows.map(({ row }) => row)
  }
  await client.end()
  const migrations = readdirSync(migrationsFolder, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )
  const newest =
    migrations
      .map(({ name }) => name)
      .sort()
      .at(-1) ?? ''
  return { migration: newest, tables }
}
