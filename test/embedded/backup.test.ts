import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { backUp } from '../../src/embedded/backup/backup.ts'
import { lockDataFolder } from '../../src/embedded/lock.ts'
import { startPostgres } from '../../src/embedded/postgres/postgres.ts'
import { scratchFolder } from './scratch.ts'

const progress = () => undefined

/** A data folder with a PostgreSQL that runs, and a file that stands for the database of a Temporal that does not. */
async function makeData(folder: string) {
  const dataDir = join(folder, 'data')
  mkdirSync(join(dataDir, 'temporal'), { recursive: true })
  writeFileSync(join(dataDir, 'temporal', 'temporal.db'), 'events')
  writeFileSync(join(dataDir, 'secret.key'), 'key', { mode: 0o600 })
  return { dataDir, postgres: await open(dataDir) }
}

async function open(dataDir: string) {
  const postgres = await startPostgres({ dataDir: join(dataDir, 'postgres'), durable: false, progress })
  onTestFinished(() => postgres.stop())
  return postgres
}

async function query(url: string, sql: string): Promise<{ n: number }[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<{ n: number }>(sql)).rows
  } finally {
    await client.end()
  }
}

test('a backup of a running server has every row that was there before it, and no gap after', async () => {
  const folder = scratchFolder()
  const { dataDir, postgres } = await makeData(folder)
  const lock = lockDataFolder(dataDir)
  onTestFinished(() => lock.release())
  await query(postgres.url, 'CREATE TABLE "Row" (n serial PRIMARY KEY, filler text)')
  const insert = () =>
    query(postgres.url, `INSERT INTO "Row" (filler) SELECT repeat('x', 500) FROM generate_series(1, 50)`)
  await insert()
  const [before] = await query(postgres.url, 'SELECT max(n) AS n FROM "Row"')
  let done = false
  const writing = (async () => {
    while (!done) await insert()
  })()
  await backUp({ dataDir, to: join(folder, 'backup'), progress })
  done = true
  await writing

  const copy = await open(join(folder, 'backup'))
  const rows = (await query(copy.url, 'SELECT n FROM "Row" ORDER BY n')).map(({ n }) => n)
  expect(rows.length).toBeGreaterThanOrEqual(before?.n ?? Infinity)
  expect(rows).toEqual(Array.from(rows, (_, index) => index + 1))
}, 120_000)

test('a backup of a stopped npm start has its files, and refuses a folder that is not empty', async () => {
  const folder = scratchFolder()
  const { dataDir, postgres } = await makeData(folder)
  await query(postgres.url, 'CREATE TABLE "Row" AS SELECT 7 AS n')
  await postgres.stop()
  const to = join(folder, 'backup')
  expect(await backUp({ dataDir, to, progress })).toEqual({})
  expect(readFileSync(join(to, 'secret.key'), 'utf8')).toBe('key')
  expect(readFileSync(join(to, 'temporal', 'temporal.db'), 'utf8')).toBe('events')
  expect(await query((await open(to)).url, 'SELECT n FROM "Row"')).toEqual([{ n: 7 }])

  await expect(backUp({ dataDir, to, progress })).rejects.toThrow('is not empty')
  await expect(backUp({ dataDir, to: join(dataDir, 'inside'), progress })).rejects.toThrow('is inside of')
  await expect(backUp({ dataDir: folder, to: `${to}-2`, progress })).rejects.toThrow('set DATA_DIR')
}, 120_000)
