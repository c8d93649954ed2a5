import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { grantApplication } from '../../src/db/schema/grants.ts'
import { migrate } from '../../src/db/schema/migrate.ts'
import { asOwner, createDatabase, createNamespace } from '../support/corner.ts'
import { insertRows, recordedKeys, type RecordedRows } from '../support/releases/recorded-rows.ts'
import { adminKey, apiOf, startStack, untilTestEnds } from '../support/stack.ts'

/** What versions have written into the database, one file each: `npm run histories:record` made them. */
const folder = new URL('../replay/rows/', import.meta.url)
const recorded = readdirSync(folder).map((file) => ({
  version: file.replace(/\.json$/, ''),
  rows: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as RecordedRows,
}))

const newName = () => `older_${randomBytes(6).toString('hex')}`

/** A database as the version had it, which this version has migrated since. */
async function upgrade(name: string, rows: RecordedRows): Promise<string> {
  const client = new pg.Client({ connectionString: inject('databaseUrl') })
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  const applicationUrl = new URL(inject('applicationUrl'))
  applicationUrl.pathname = `/${name}`
  const ownerUrl = asOwner(applicationUrl.href)
  await migrate(ownerUrl, rows.migration)
  await insertRows(ownerUrl, rows)
  await migrate(ownerUrl)
  await grantApplication(ownerUrl, applicationUrl.href)
  return applicationUrl.href
}

describe.each(recorded)('rows of the version $version', ({ rows }) => {
  it('are read by this one, once the missing migrations have been applied', { timeout: 60_000 }, async () => {
    const name = newName()
    const databaseUrl = await upgrade(name, rows)
    await (await createNamespace(name)).connection.close()
    const corner = { name, databaseUrl }
    const stack = untilTestEnds(await startStack({ corner, secretKeys: recordedKeys, workers: false }))
    const platform = apiOf(stack.app, adminKey)
    const tenantId = String(rows.tables['Tenant']?.[0]?.id)
    const made = await platform.post(`/tenants/${tenantId}/keys`, { environment: 'sandbox' }).expect(201)
    const api = apiOf(stack.app, (made.body as { key: string }).key)
    for (const [path, table] of [
      ['/destinations', 'Destination'],
      ['/rules', 'Rule'],
      ['/templates', 'Template'],
    ] as const) {
      const { body } = await api.get(path).expect(200)
      const ids = (body as { data: { id: string }[] }).data.map(({ id }) => id).sort()
      expect(ids).toEqual(rows.tables[table]?.map(({ id }) => id).sort())
    }
    // Opens what is sealed.
    const webhook = rows.tables['Destination']?.find(({ channel }) => channel === 'webhook')
    await api.post(`/destinations/${String(webhook?.id)}/rotate-secret`).expect(201)
  })

  it('can still be written by it, once the missing migrations have been applied', async () => {
    const databaseUrl = asOwner(await createDatabase(newName()))
    await expect(insertRows(databaseUrl, rows)).resolves.toBeUndefined()
  })
})
