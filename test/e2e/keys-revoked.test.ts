import { randomBytes } from 'node:crypto'
import { inject, it } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { createDatabase, createNamespace } from '../support/corner.ts'
import { run } from '../support/program.ts'
import { adminKey, apiAt } from '../support/stack.ts'

/** Two API processes on one database, as a platform scales them. */
async function startTwo() {
  const name = `keys_${randomBytes(6).toString('hex')}`
  const [databaseUrl, { connection }, ...ports] = await Promise.all([
    createDatabase(name),
    createNamespace(name),
    freePort(),
    freePort(),
  ])
  await connection.close()
  const env = {
    PATH: '/usr/bin:/bin',
    LOG_LEVEL: 'error',
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: name,
    SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    ADMIN_API_KEY: adminKey,
  }
  const programs = ports.map((port) => run('src/server.ts', { ...env, PORT: String(port) }))
  await Promise.all(programs.map((program) => program.line('ready')))
  const [one = '', other = ''] = ports.map((port) => `http://127.0.0.1:${port}`)
  return { one, other }
}

it('a key revoked or rotated away at one process is refused by the other from then on', async () => {
  const { one, other } = await startTwo()
  const platform = apiAt(one, adminKey)
  const tenant = await platform.post('/tenants', { name: 'Acme' }).expect(201)
  const path = `/tenants/${(tenant.body as { id: string }).id}/keys`
  const make = async () =>
    (await platform.post(path, { environment: 'sandbox' }).expect(201)).body as { id: string; key: string }
  const [revoked, rotated] = [await make(), await make()]
  // Both have let the keys in before.
  for (const { key } of [revoked, rotated])
    for (const server of [one, other]) await apiAt(server, key).get('/rules').expect(200)

  await platform.delete(`${path}/${revoked.id}`).expect(204)
  const after = await platform.post(`${path}/${rotated.id}/rotate`, { overlap: '0s' }).expect(201)
  for (const server of [other, one]) {
    await apiAt(server, revoked.key).get('/rules').expect(401)
    await apiAt(server, rotated.key).get('/rules').expect(401)
    await apiAt(server, (after.body as { key: string }).key)
      .get('/rules')
      .expect(200)
  }
}, 120_000)
