import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { eventually, makeTenant, stackOfFile } from '../../support/stack.ts'

const stack = stackOfFile({ workers: false })

it('a call whose database connection is closed while it waits for PostgreSQL is a 503', async () => {
  const { api } = await makeTenant(stack)
  const subscription = { eventTypes: ['all'] }
  const config = { url: 'http://127.0.0.1:9/hook' }
  const given = { name: 'Paced', channel: 'webhook', config, subscription, delivery: { maxPerSecond: 1 } }
  await api.post('/destinations', given).expect(201)
  await api.post('/events', { type: 'aml.match.found', data: {} }).expect(202)

  // The next event waits for its slot, and then loses its connection, as when the server restarts.
  const other = new pg.Client({ connectionString: stack.corner.databaseUrl })
  await other.connect()
  onTestFinished(() => other.end())
  await other.query('BEGIN')
  await other.query('SELECT * FROM "Pace" FOR UPDATE')
  const posting = api.post('/events', { type: 'aml.match.found', data: {} }).then((response) => response)
  await eventually(
    async () => {
      const { rowCount } = await other.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return rowCount ?? 0
    },
    (ended) => ended > 0,
  )
  await other.query('ROLLBACK')
  const { status, body, headers } = await posting
  expect([status, body]).toMatchObject([503, { code: 'unavailable' }])
  expect(headers['retry-after']).toBe('5')
})
