import { Writable } from 'node:stream'
import { pino } from 'pino'
import supertest from 'supertest'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createKeyUse } from '../../../src/api/auth/key-use.ts'
import { openDb } from '../../../src/db/client.ts'
import { createLog } from '../../../src/log.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { adminKey, apiOf, eventually, makeTenant } from '../../support/stack.ts'

const stack = sharedStack({ workers: false })

const lastUsed = async (id: string) =>
  (await stack.db.apiKey.findUniqueOrThrow({ where: { id } })).lastUsedAt?.toISOString()

/** A log as it is written, and what stands in it. */
function logSink() {
  const lines: string[] = []
  const write = (chunk: Buffer, _encoding: string, done: () => void) => {
    lines.push(chunk.toString())
    done()
  }
  return { log: pino({ level: 'trace', messageKey: 'event' }, new Writable({ write })), lines }
}

/** A database that is not there. */
function noDatabase() {
  const db = openDb('postgresql://nobody:nothing@127.0.0.1:9/none')
  onTestFinished(() => db.$disconnect())
  return db
}

describe('when a key was last used', () => {
  it('is listed to the minute, of revoked keys as well', async () => {
    const { id, keyId, api } = await makeTenant(stack)
    const from = Math.floor(Date.now() / 60_000) * 60_000
    await api.get('/rules').expect(200)
    const shown = await eventually(
      () => lastUsed(keyId),
      (at) => at !== undefined,
    )
    expect(shown).toMatch(/:00\.000Z$/)
    expect(Date.parse(shown ?? '')).toBeGreaterThanOrEqual(from)
    expect(Date.parse(shown ?? '')).toBeLessThanOrEqual(Date.now())
    const platform = apiOf(stack.app, adminKey)
    await platform.delete(`/tenants/${id}/keys/${keyId}`).expect(204)
    const { body } = await platform.get(`/tenants/${id}/keys`).expect(200)
    expect(body).toMatchObject({
      data: [{ id: keyId, lastUsedAt: shown, revokedAt: expect.any(String) as string }],
    })
  })

  it('is not moved by a request that is refused', async () => {
    const { keyId, key } = await makeTenant(stack)
    await stack.db.apiKey.update({ where: { id: keyId }, data: { revokedAt: new Date() } })
    const used = createUses()
    await supertest(stack.anotherApp({ keyUse: used }))
      .get('/api/v1/rules')
      .set('X-API-Key', key)
      .expect(401)
    expect(used.ids).toEqual([])
  })

  it('is written once a minute, and never goes back', async () => {
    const { keyId: id } = await makeTenant(stack)
    let now = Date.parse('2026-03-01T12:00:59.000Z')
    const statements: string[] = []
    const log = createLog('silent')
    const db = stack.db.$extends({
      query: { apiKey: { updateMany: ({ args, query }) => (statements.push('update'), query(args)) } },
    })
    const use = createKeyUse({ db: db as unknown as typeof stack.db, log }, () => now)
    const minute = async (expected: string, writes: number) => {
      await eventually(
        () => lastUsed(id),
        (at) => at === expected,
      )
      expect(statements).toHaveLength(writes)
    }
    for (let times = 0; times < 3; times++) use.note({ id, lastUsedAt: null })
    await minute('2026-03-01T12:00:00.000Z', 1)
    now += 1_000
    use.note({ id, lastUsedAt: new Date('2026-03-01T12:00:00.000Z') })
    await minute('2026-03-01T12:01:00.000Z', 2)
    // Another process has written this minute already: there is nothing to write.
    now += 60_000
    use.note({ id, lastUsedAt: new Date('2026-03-01T12:02:00.000Z') })
    expect(statements).toHaveLength(2)
    // This process's clock is behind.
    const behind = createKeyUse({ db: db as unknown as typeof stack.db, log }, () => now - 300_000)
    behind.note({ id, lastUsedAt: null })
    await eventually(
      () => Promise.resolve(statements.length),
      (count) => count === 3,
    )
    await stack.db.$queryRaw`SELECT 1`
    expect(await lastUsed(id)).toBe('2026-03-01T12:01:00.000Z')
  })

  it('that cannot be written fails no request, and is logged', async () => {
    const { key, keyId } = await makeTenant(stack)
    const { log, lines } = logSink()
    const keyUse = createKeyUse({ db: noDatabase(), log })
    await apiOf(stack.anotherApp({ keyUse }), key).get('/rules').expect(200)
    await eventually(
      () => Promise.resolve(lines.join('')),
      (text) => text.includes('key.use-not-noted'),
    )
    expect(lines.join('')).toContain(keyId)
    expect(lines.join('')).not.toContain(key)
  })
})

describe('a key', () => {
  it('of a tenant that is being deleted is a 401, in every environment', async () => {
    const { id, api } = await makeTenant(stack)
    await api.get('/rules').expect(200)
    await stack.db.tenant.update({ where: { id }, data: { deletingAt: new Date() } })
    expect((await api.get('/rules').expect(401)).body).toMatchObject({ code: 'unauthorized' })
  })

  it('in a URL or a header is in no log, whatever fails', async () => {
    const { key } = await makeTenant(stack)
    const { log, lines } = logSink()
    const app = stack.anotherApp({ db: noDatabase(), log })
    for (const path of ['/webhooks/', '/webhooks/logs/', '/tenant/settings'])
      await supertest(app).get(`/api/v1${path}?api_key=${key}`).expect(503)
    await supertest(app).get('/api/v1/rules').set('X-API-Key', key).expect(503)
    const broken = stack.anotherApp({
      rateLimits: {
        countCall: () => Promise.reject(new Error('out of order')),
        refundCall: () => Promise.resolve(),
        takeEvents: () => Promise.reject(new Error('out of order')),
        returnEvents: () => Promise.resolve(),
      },
      log,
    })
    const failed = await supertest(broken).get(`/api/v1/webhooks/?api_key=${key}`).expect(500)
    await supertest(broken).get(`/api/v1/nowhere?api_key=${key}`).expect(404)
    const text = lines.join('')
    expect(lines.filter((line) => line.includes('request.failed'))).toHaveLength(5)
    expect(text).toContain('/api/v1/webhooks/')
    expect(text).not.toContain(key.slice(8))
    expect(text).not.toContain('api_key=')
    expect(JSON.stringify(failed.body)).not.toContain(key)
  })
})

/** Notes nothing but which keys were used. */
function createUses() {
  const ids: string[] = []
  return { ids, note: ({ id }: { id: string }) => void ids.push(id) }
}
