import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { createDatabase, createNamespace } from './corner.ts'
import { run, type Program } from './program.ts'
import { adminKey, apiAt, type Api } from './stack.ts'

/** The production roots as processes of their own, and a tenant who calls them by HTTP. */
export interface Platform {
  api: Api
  /** Ends the worker as a crash does: it finishes nothing and says nothing. */
  killWorker: () => Promise<void>
  /** Resolves once it is ready. */
  startWorker: () => Promise<void>
}

/** With a worker, in a corner of the services of its own. All of it is ended with the test. */
export async function startPlatform(): Promise<Platform> {
  const name = `roots_${randomBytes(6).toString('hex')}`
  const [databaseUrl, { connection }, port] = await Promise.all([
    createDatabase(name),
    createNamespace(name),
    freePort(),
  ])
  await connection.close()
  const env = {
    PATH: '/usr/bin:/bin',
    PORT: String(port),
    LOG_LEVEL: 'debug',
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: name,
    SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    ADMIN_API_KEY: adminKey,
    EGRESS_ALLOW: '127.0.0.0/8',
    // Events are posted while the only worker is down.
    MAX_BACKLOG_SECONDS: '600',
  }
  const server = run('src/server.ts', env)
  let worker: Program = run('src/worker.ts', env)
  await Promise.all([server, worker].map((program) => program.line('ready')))
  return {
    api: await tenantAt(`http://127.0.0.1:${port}`),
    async killWorker() {
      worker.kill('SIGKILL')
      await worker.exited
    },
    async startWorker() {
      worker = run('src/worker.ts', env)
      await worker.line('ready')
    },
  }
}

async function tenantAt(url: string): Promise<Api> {
  const platform = apiAt(url, adminKey)
  const limits = { apiPerMinute: 10_000, apiBurst: 10_000, ingestPerSecond: 10_000 }
  const tenant = await platform
    .post('/tenants', { name: 'Acme', limits, emailConsent: 'vouched' })
    .expect(201)
  const { id } = tenant.body as { id: string }
  const made = await platform.post(`/tenants/${id}/keys`, { environment: 'sandbox' }).expect(201)
  return apiAt(url, (made.body as { key: string }).key)
}
