import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { startTemporal, type RunningTemporal } from '../../src/embedded/temporal/temporal.ts'
import { erase } from '../support/resources/erasures.ts'
import { ok, startReceiver } from '../support/servers/receiver.ts'
import { makeDestination } from '../support/resources/roll-up.ts'
import {
  eventually,
  makeTenant,
  settledLog,
  startStack,
  untilTestEnds,
  type Stack,
} from '../support/stack.ts'
import { plant, type Planted } from './doors.ts'
import { bytesOf, findText } from './raw-bytes.ts'

/** A Temporal server of our own, whose files we read. Of two platforms on it one has payload keys, the other has none. */
const folder = mkdtempSync(join(tmpdir(), 'switchyard-store-'))
const payloadKeys = [{ id: 'pay1', key: randomBytes(32) }]
const secretKeys = [{ id: 'sec1', key: randomBytes(32) }]
let temporal: RunningTemporal
let encrypted: Stack
let clear: Stack

beforeAll(async () => {
  const binary = inject('temporalBinary')
  const dbFile = join(folder, 'temporal.db')
  temporal = await startTemporal({ binary, dbFile, headless: true, namespace: 'default', progress: () => {} })
  const at = { temporalAddress: temporal.address, secretKeys }
  encrypted = await startStack({ ...at, payloadKeys })
  clear = await startStack(at)
})

afterAll(async () => {
  await Promise.all([encrypted.stop(), clear.stop()])
  await temporal.stop()
  rmSync(folder, { recursive: true, force: true })
})

const whereFound = (bytes: Buffer, planted: Map<string, string>) =>
  Object.fromEntries([...planted].map(([door, text]) => [door, findText(bytes, text)]))
const nowhere = ({ size }: Map<string, string>, found: Record<string, string[]>) => {
  expect(Object.keys(found)).toHaveLength(size)
  expect(Object.entries(found).filter(([, forms]) => forms.length > 0)).toEqual([])
}

it(
  'neither the files of Temporal nor the database hold what was sent and what is secret',
  { timeout: 240_000 },
  async () => {
    const withKeys = await plant(encrypted)
    const without = await plant(clear)
    const files = bytesOf(folder)
    expectReadable(files, withKeys, without)
    nowhere(withKeys.texts, whereFound(files, withKeys.texts))
    for (const { secrets } of [withKeys, without]) {
      expect(secrets.size).toBeGreaterThanOrEqual(4)
      nowhere(secrets, whereFound(files, secrets))
    }
    for (const { key } of [...payloadKeys, ...secretKeys]) {
      expect(files.includes(key)).toBe(false)
      expect(findText(files, key.toString('base64'))).toEqual([])
    }

    const rows = Buffer.from(await dump(encrypted.corner.databaseUrl))
    expect(findText(rows, withKeys.tenantId)).toContain('as it is')
    nowhere(withKeys.secrets, whereFound(rows, withKeys.secrets))
  },
)

it(
  'what is erased leaves the files of Temporal, also where no payload is encrypted',
  { timeout: 240_000 },
  async () => {
    const { api } = await makeTenant(clear)
    const receiver = untilTestEnds(await startReceiver(ok))
    await makeDestination(api, receiver)
    // Longer than a page of the file: some of it lies in pages of its own.
    const texts = Array.from({ length: 500 }, () => randomBytes(16).toString('hex'))
    await api.post('/events', { id: 'one', type: 'aml.match.found', data: { texts } }).expect(202)
    await settledLog(api, 'one')
    const found = () => {
      const files = bytesOf(folder)
      return texts.filter((text) => files.includes(text)).length
    }
    expect(found()).toBeGreaterThan(400)
    await erase(api, 'one')
    // The write-ahead log is carried over and cut off once 4 MB were written, by whatever comes next.
    const next = Array.from({ length: 20 }, () => ({ type: 'kyc.done', data: {} }))
    await eventually(
      async () => {
        await api.post('/events/batch', { events: next }).expect(207)
        return found()
      },
      (left) => left === 0,
      120_000,
    )
  },
)

/** What is in the clear is found: without that, nothing would be told by what is not. */
function expectReadable(files: Buffer, withKeys: Planted, without: Planted): void {
  for (const { tenantId } of [withKeys, without]) expect(findText(files, tenantId)).toContain('as it is')
  expect(findText(files, 'aml.match.found')).toContain('as it is')
  expect(without.texts.size).toBeGreaterThanOrEqual(14)
  for (const [door, forms] of Object.entries(whereFound(files, without.texts)))
    expect([door, forms]).toEqual([door, expect.arrayContaining(['as it is'])])
}

/** Every row of every table, as text. */
async function dump(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const tables = await client.query<{ name: string }>(
    "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'",
  )
  const rows: string[] = []
  for (const { name } of tables.rows) {
    const found = await client.query<{ line: string }>(`SELECT row_to_json(t)::text AS line FROM ${name} t`)
    rows.push(...found.rows.map(({ line }) => line))
  }
  await client.end()
  return rows.join('\n')
}
