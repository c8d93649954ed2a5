import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { createDatabase, createNamespace } from './corner.ts'
import { start, type Program } from './program.ts'
import { adminKey, apiAt, type Api } from './stack.ts'

/** The production roots as processes of their own, with a worker, in a corner of the services of its own. */
export interface Platform {
  /** A tenant who calls the API by HTTP. */
  makeTenant: () => Promise<Api>
  /** Ends the worker as a crash does: it finishes nothing and says nothing. */
  killWorker: () => Promise<void>
  /** Resolves once one is ready. */
  startWorker: () => Promise<void>
  stop: () => Promise<void>
}

/** The environment of the production roots, in a corner of the services of its own, and the port of its API. */
export async function prepareRoots() {
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
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: name,
    SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    ADMIN_API_KEY: adminKey,
    EGRESS_ALLOW: '127.0.0.0/8',
  }
  return { port, env }
}

export async function startPlatform(): Promise<Platform> {
  const { port, env: ofRoots } = await prepareRoots()
  // Events are posted while the only worker is down.
  const env = { ...ofRoots, LOG_LEVEL: 'debug', MAX_BACKLOG_SECONDS: '600' }
  const server = start('src/server.ts', env)
  let worker: Program | undefined
  async function startWorker() {
    if (worker) return
    worker = start('src/worker.ts', env)
    await worker.line('ready')
  }
  async function stop() {
    await Promise.all([server.stop(), worker?.stop()])
  }
  try {
    await Promise.all([server.line('ready'), startWorker()])
  } catch (error) {
    await stop()
    throw error
  }
  return {
    makeTenant: () => tenantAt(`http://127.0.0.1:${port}`),
    async killWorker() {
      worker?.kill('SIGKILL')
      await worker?.exited
      worker = undefined
    },
    startWorker,
    stop,
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
