import { randomBytes } from 'node:crypto'
import supertest from 'supertest'
import { expect, inject, it, onTestFinished } from 'vitest'
import { createAdmission } from '../../src/api/http/admission.ts'
import { createApp } from '../../src/api/app.ts'
import { createReadiness } from '../../src/api/health/readiness.ts'
import { hashKey } from '../../src/api/auth/authorize.ts'
import { createKeyUse } from '../../src/api/auth/key-use.ts'
import { createRateLimits } from '../../src/api/auth/rate-limit.ts'
import { createEgress } from '../../src/egress/egress.ts'
import { openDb } from '../../src/db/client.ts'
import { startTemporal } from '../../src/embedded/temporal/temporal.ts'
import { createLog } from '../../src/log.ts'
import { createApiMetrics } from '../../src/metrics/api.ts'
import { createExposition } from '../../src/metrics/exposition.ts'
import { connectTemporal } from '../../src/temporal/connect.ts'
import { prepareNamespace } from '../../src/temporal/namespace.ts'
import { createDatabase } from '../support/corner.ts'
import { createTestCompute, adminKey, makeTenant, startStack, untilTestEnds } from '../support/stack.ts'

it(
  'with Temporal gone an event is refused with 503, not acknowledged and lost',
  { timeout: 120_000 },
  async () => {
    const temporal = await startTemporal({
      binary: inject('temporalBinary'),
      headless: true,
      namespace: 'default',
      progress: () => undefined,
    })
    onTestFinished(() => temporal.stop())
    const { connection, client } = await connectTemporal({
      address: temporal.address,
      namespace: 'default',
      tls: false,
    })
    await prepareNamespace(client, { setRetention: false })
    const db = openDb(await createDatabase(`t_${randomBytes(8).toString('hex')}`))
    const egress = createEgress({ allow: [], sandboxLoopback: true })
    onTestFinished(async () => {
      await Promise.all([connection.close(), db.$disconnect(), egress.close()])
    })
    const log = createLog('silent')
    const app = createApp({
      db,
      temporal: client,
      eagerStart: false,
      admission: createAdmission(
        { hasBegun: () => Promise.resolve(true), lagOf: () => 0, log },
        { slots: 64, maxWaiting: 128, maxBacklogMs: 2_000 },
      ),
      // Without it, calls wait for Temporal for as long as their deadline allows.
      readiness: createReadiness({}, { log }),
      secretKeys: [{ id: 'test', key: randomBytes(32) }],
      payloadKeys: undefined,
      publicUrl: undefined,
      egress,
      compute: createTestCompute(log),
      archive: undefined,
      rateLimits: createRateLimits(),
      keyUse: createKeyUse({ db, log }),
      adminKeyHash: hashKey(adminKey),
      queryKeys: 'never',
      temporalUiUrl: undefined,
      metrics: createApiMetrics(createExposition({ log })),
      log,
    })
    const { api } = await makeTenant({ app })
    const event = { id: 'evt-1', type: 'aml.match.found', data: {} }
    await api.post('/events', event).expect(202)

    const { id: destination } = (
      await api
        .post('/destinations', {
          name: 'Case system',
          channel: 'webhook',
          config: { url: 'http://127.0.0.1:9/hook' },
          subscription: { eventTypes: ['all'] },
        })
        .expect(201)
    ).body as { id: string }

    await temporal.stop()
    const refused = await api.post('/events', { ...event, id: 'evt-2' }).expect(503)
    expect(refused.body).toMatchObject({
      code: 'unavailable',
      detail: 'Temporal is not responding. The event was not acknowledged; send it again with the same id.',
    })
    expect(refused.headers['retry-after']).toBe('5')
    const batch = await api.post('/events/batch', { events: [event, { ...event, type: 'a b' }] }).expect(207)
    expect(batch.body).toMatchObject({ results: [{ status: 503 }, { status: 422 }] })
    await api.get('/events').expect(503)
    await supertest(app).get('/healthz').expect(200)
    // Configuration is PostgreSQL's, and is still served, also while another tenant's calls wait for Temporal.
    await api.get('/destinations').expect(200)
    const { api: neighbour } = await makeTenant({ app })
    const test = async () => void (await api.post(`/destinations/${destination}/test`).expect(503))
    const tests = Promise.all(Array.from({ length: 15 }, test))
    await neighbour.get('/rules').expect(200)
    await tests
    const audit = await db.auditEntry.groupBy({
      by: ['action'],
      where: { subject: destination, action: { startsWith: 'destination.tested' } },
      _count: true,
    })
    expect(audit).toEqual(
      expect.arrayContaining([
        { action: 'destination.tested', _count: 15 },
        { action: 'destination.tested.failed', _count: 15 },
      ]),
    )
  },
)

it('a call that gets no database connection in time is a 503 that says so', { timeout: 60_000 }, async () => {
  const stack = untilTestEnds(await startStack({ workers: false }))
  const { api: setUp, key } = await makeTenant(stack)
  await setUp.get('/rules').expect(200)
  const db = openDb(stack.corner.databaseUrl, { poolSize: 1 })
  onTestFinished(() => db.$disconnect())
  const app = stack.anotherApp({ db })
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  const held = db.$transaction(() => released, { timeout: 30_000 })
  const call = supertest(app).get('/api/v1/rules').set('Authorization', `Bearer ${key}`)
  const { body, headers } = await call.expect(503)
  expect(body).toMatchObject({
    code: 'unavailable',
    detail: 'All database connections are in use. Retry the request.',
  })
  expect(headers['retry-after']).toBe('5')
  release()
  await held
})
