import type { AddressInfo } from 'node:net'
import { createApp } from './api/app.ts'
import { hashKey } from './api/auth/authorize.ts'
import { createKeyUse } from './api/auth/key-use.ts'
import { createRateLimits } from './api/auth/rate-limit.ts'
import { createReadiness, type Readiness } from './api/health/readiness.ts'
import type { Admission } from './api/http/admission.ts'
import { createDrain } from './api/health/drain.ts'
import { createApiServer } from './api/http/server.ts'
import type { Platform } from './compose.ts'
import { dropConnections } from './db/client.ts'
import { createSharedCounters } from './db/limits/call-counters.ts'
import { createDatabaseProbe } from './db/probe.ts'
import type { Lifecycle } from './lifecycle.ts'
import { listen } from './embedded/ports.ts'
import { exportDependencies, type ApiMetrics } from './metrics/api.ts'
import { probeTemporal } from './temporal/probe.ts'

interface ServeOptions {
  eagerStart: boolean
  temporalUiUrl: string | undefined
  sharesLimits: boolean
  admission: Admission
  metrics: ApiMetrics
  /** How long requests are still accepted after `/readyz` has begun to answer 503. */
  drainMs: number
}

/** Serves the API. Returns its base URL. */
export async function serveApi(
  { config, databaseUrl, exposition, ...platform }: Platform,
  options: ServeOptions,
  lifecycle: Lifecycle,
): Promise<string> {
  const readiness = watchServices({ ...platform, databaseUrl }, lifecycle)
  exportDependencies(exposition, () => readiness.report())
  const app = createApp({
    ...platform,
    ...options,
    readiness,
    payloadKeys: config.PAYLOAD_KEYS,
    mailFromDomains: config.MAIL_FROM_DOMAINS,
    rateLimits: createRateLimits(options.sharesLimits ? createSharedCounters(platform.db) : undefined),
    keyUse: createKeyUse(platform),
    queryKeys: config.API_KEY_IN_QUERY,
    trustProxy: config.TRUST_PROXY,
    corsOrigins: config.CORS_ORIGINS,
    adminKeyHash: config.ADMIN_API_KEY && hashKey(config.ADMIN_API_KEY),
  })
  const drain = createDrain(app)
  const server = createApiServer(drain.listener)
  await listen(server, { host: config.HOST, port: config.PORT, name: 'API', variable: 'PORT' })
  lifecycle.add('the API', () => {
    readiness.drain()
    return drain.close(server, options.drainMs)
  })
  const { port } = server.address() as AddressInfo
  return `http://${config.HOST.includes(':') ? `[${config.HOST}]` : config.HOST}:${port}`
}

/** Watches PostgreSQL and Temporal, to refuse calls that need them while they are down. */
function watchServices(
  { databaseUrl, db, temporal, log }: Pick<Platform, 'databaseUrl' | 'db' | 'temporal' | 'log'>,
  lifecycle: Lifecycle,
): Readiness {
  const database = createDatabaseProbe(databaseUrl)
  const readiness = createReadiness(
    {
      postgresql: {
        title: 'PostgreSQL',
        ask: (signal) => database.ask(signal),
        dropConnections: () => dropConnections(db),
      },
      temporal: {
        title: 'Temporal',
        ask: () => probeTemporal(temporal),
      },
    },
    { log },
  )
  lifecycle.add('the health checks', async () => {
    await readiness.stop()
    await database.stop()
  })
  return readiness
}
