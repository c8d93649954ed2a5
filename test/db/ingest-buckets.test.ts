import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { openDb } from '../../src/db/client.ts'
import { createSharedCounters } from '../../src/db/limits/call-counters.ts'
import { createDatabase } from '../support/corner.ts'
import { eventually } from '../support/stack.ts'

it('counts every event of many concurrent calls, in a handful of statements', async () => {
  const url = await createDatabase(`t_${randomUUID().replaceAll('-', '')}`)
  const processes = [openDb(url), openDb(url)]
  const watcher = new pg.Client({ connectionString: url })
  await watcher.connect()
  onTestFinished(() => watcher.end())
  const [db] = processes
  const { id: tenantId } = await db!.tenant.create({ data: { id: 'ten_1', name: 'Acme', limits: {} } })
  const before = await transactions(watcher)

  const calls = processes.flatMap((process) => {
    const counters = createSharedCounters(process)
    return Array.from({ length: 200 }, () => counters.takeEvents({ tenantId, perSecond: 1_000, events: 2 }))
  })
  const verdicts = await Promise.all(calls)
  expect(verdicts.every(({ accepted }) => accepted)).toBe(true)
  const { paidAtMs } = await db!.ingestBucket.findUniqueOrThrow({ where: { tenantId } })
  // 800 events take 800 ms to be paid back, counted from the first call on.
  expect(paidAtMs).toBeLessThanOrEqual(Date.now() + 800)
  expect(Math.max(...verdicts.map(({ bucket }) => bucket.paidAtMs))).toBe(paidAtMs)

  // PostgreSQL counts the transactions of a connection once it is closed.
  await Promise.all(processes.map((process) => process.$disconnect()))
  const after = await eventually(
    () => transactions(watcher),
    (count) => count > before,
  )
  // Each call on its own would take tens of thousands: all but one of those that try at once fail.
  expect(after - before).toBeLessThan(200)
})

async function transactions(watcher: pg.Client): Promise<number> {
  const { rows } = await watcher.query<{ count: string }>(
    'SELECT xact_commit AS count FROM pg_stat_database WHERE datname = current_database()',
  )
  return Number(rows[0]?.count)
}
