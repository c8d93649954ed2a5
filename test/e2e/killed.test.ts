import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { expect, inject, it, onTestFinished } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { createDatabase, createNamespace } from '../support/corner.ts'
import { run } from '../support/program.ts'
import { ok, startReceiver } from '../support/servers/receiver.ts'
import { adminKey, apiAt, eventually, untilTestEnds } from '../support/stack.ts'

const producers = 8
const arrivalsBeforeKill = 60

it(
  'npm start, killed with eight posts in flight, loses no event and repeats no more than were in flight',
  { timeout: 120_000 },
  async () => {
    const name = `killed_${randomBytes(6).toString('hex')}`
    const [databaseUrl, { connection }] = await Promise.all([createDatabase(name), createNamespace(name)])
    await connection.close()
    const env = {
      PATH: '/usr/bin:/bin',
      PORT: String(await freePort()),
      DATA_DIR: `/tmp/${name}`,
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: name,
      SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      ADMIN_API_KEY: adminKey,
    }
    onTestFinished(() => rm(env.DATA_DIR, { recursive: true, force: true }))
    const killed = run('src/main.ts', env)
    await killed.line('ready')
    const url = `http://127.0.0.1:${env.PORT}`
    const receiver = untilTestEnds(await startReceiver(ok))
    const arrivals = () => receiver.received.map(({ headers }) => String(headers['webhook-id']))
    const platform = apiAt(url, adminKey)
    const { id } = (await platform.post('/tenants', { name: 'Acme' }).expect(201)).body as { id: string }
    const { key } = (await platform.post(`/tenants/${id}/keys`, { environment: 'sandbox' }).expect(201))
      .body as { key: string }
    const api = apiAt(url, key)
    const subscription = { eventTypes: ['all'] }
    const given = { name: 'x', channel: 'webhook', config: { url: receiver.url }, subscription }
    await api.post('/destinations', given).expect(201)

    const accepted: string[] = []
    let next = 0
    const produce = async () => {
      for (;;) {
        const id = `event-${next++}`
        const answer = await api
          .post('/events', { id, type: 'aml.match.found', data: {} })
          .catch(() => undefined)
        if (answer === undefined) return
        if (answer.status === 202) accepted.push(id)
      }
    }
    const producing = Promise.all(Array.from({ length: producers }, produce))
    await eventually(
      () => Promise.resolve(arrivals().length),
      (count) => count >= arrivalsBeforeKill,
      60_000,
    )
    killed.kill('SIGKILL')
    await killed.exited
    await producing
    const again = run('src/main.ts', env)
    await again.line('ready')
    // Temporal gives the killed process's workflow tasks to the next one once they have timed out (10 s).
    await eventually(
      () => Promise.resolve(new Set(arrivals())),
      (arrived) => accepted.every((id) => arrived.has(id)),
      60_000,
    )
    expect(arrivals().length - new Set(arrivals()).size).toBeLessThanOrEqual(2 * producers)
    again.kill('SIGTERM')
    expect(await again.exited).toBe(0)
  },
)
