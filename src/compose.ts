import { mkdir } from 'node:fs/promises'
import type { Client } from '@temporalio/client'
import type { NativeConnection } from '@temporalio/worker'
import { createCircuits } from './activities/limits/circuits.ts'
import { createLanes } from './activities/limits/lanes.ts'
import { createThrottles } from './activities/limits/throttles.ts'
import { createAdmission, maxWaitingEvents, slotsOfApi, type Admission } from './api/http/admission.ts'
import { makeFirstPlatformKey } from './api/keys/platform-routes.ts'
import type { Archive } from './archive/archive.ts'
import { createFolderArchive } from './archive/folder.ts'
import { channelNames } from './channels/index.ts'
import { createEgress, type Egress } from './egress/egress.ts'
import { createCompute, type Compute } from './compute/compute.ts'
import { readConfig, requireVariables, temporalSettings, type Config } from './config.ts'
import { egressRules } from './config-egress.ts'
import { listSecrets } from './config-secrets.ts'
import { openDatabase } from './database.ts'
import type { Db } from './db/client.ts'
import { createReportedLag } from './db/limits/tenant-lag.ts'
import { createAcknowledgeLink } from './domain/crypto/acknowledge-link.ts'
import { createEmailLinks } from './domain/email/link.ts'
import type { SecretKeys } from './domain/crypto/secret-box.ts'
import { freePort } from './embedded/ports.ts'
import type { Lifecycle } from './lifecycle.ts'
import { createLog, type Log } from './log.ts'
import type { ApiMetrics, RefusalCode } from './metrics/api.ts'
import { exportBacklog } from './metrics/backlog.ts'
import { createExposition, type Exposition } from './metrics/exposition.ts'
import { createWorkerMetrics, exportCircuits } from './metrics/worker.ts'
import { serveMetrics } from './serve-metrics.ts'
import { connectTemporal } from './temporal/connect.ts'
import { hasBegun } from './temporal/slots/has-begun.ts'
import { missingSearchAttributes } from './temporal/namespace.ts'
import { ensureRollUpSchedule } from './temporal/roll-up-schedule.ts'
import { installTemporalRuntime } from './temporal/runtime.ts'
import { readTaskQueueBacklog } from './temporal/task-queue-backlog.ts'
import { eagerSlots, startWorkers } from './workers.ts'

/** The dependencies that the API and the worker share. */
export interface Platform {
  config: Config
  databaseUrl: string
  db: Db
  connection: NativeConnection
  temporal: Client
  egress: Egress
  compute: Compute
  archive: Archive | undefined
  secretKeys: SecretKeys
  publicUrl: string | undefined
  exposition: Exposition
  log: Log
  /** See `Services`. */
  requireSmtpTls: boolean
}

/** The log and the metrics of one process. */
export interface Telemetry {
  log: Log
  exposition: Exposition
}

/**
 * Creates our log and metrics, to which Temporal's SDK adds its own. The SDK exports them on a loopback port, from which
 * `/metrics` reads them. Call once per process, before the first connection.
 */
export async function startTelemetry(config: Config): Promise<Telemetry> {
  const log = createLog(config.LOG_LEVEL, { secrets: listSecrets(config) })
  const metricsAddress = config.METRICS_PORT === undefined ? undefined : `127.0.0.1:${await freePort()}`
  installTemporalRuntime(log, { metricsAddress })
  const sdkUrl = metricsAddress && `http://${metricsAddress}/metrics`
  return { log, exposition: createExposition({ sdkUrl, log }) }
}

export interface Services {
  databaseUrl: string
  temporalAddress: string
  secretKeys: SecretKeys
  /** The public base URL of the API, used in links in messages. */
  publicUrl: string | undefined
  /** Opens loopback to sandbox destinations: `npm start` does, the production roots do not. */
  sandboxLoopback: boolean
  /**
   * Requires TLS for outgoing mail. Production roots do unless `SMTP_TLS` says otherwise; `npm start` does only if it says so.
   */
  requireSmtpTls: boolean
}

export async function openPlatform(
  config: Config,
  services: Services,
  { log, exposition }: Telemetry,
  lifecycle: Lifecycle,
): Promise<Platform> {
  const db = await openDatabase(services.databaseUrl, config.DATABASE_POOL_SIZE)
  lifecycle.add('the database connection', () => db.$disconnect())
  const { connection, client } = await connectTemporal(temporalSettings(config, services.temporalAddress))
  lifecycle.add('the Temporal connection', () => connection.close())
  await requireSearchAttributes(client)
  exportBacklog(exposition, () => readTaskQueueBacklog(client))
  await serveMetrics(config, exposition, log, lifecycle)
  const egress = createEgress({
    ...egressRules(config),
    sandboxLoopback: services.sandboxLoopback,
    report: (refused) => log.warn(refused, 'egress.refused'),
  })
  lifecycle.add('outgoing connections', () => egress.close())
  const archive = await createArchive(config)
  const compute = createCompute({ thread: new URL('./thread.ts', import.meta.url), log })
  compute.warmUp()
  lifecycle.add('the compute threads', () => compute.stop())
  const { databaseUrl, secretKeys, publicUrl, requireSmtpTls } = services
  const opened = { config, databaseUrl, db, connection, temporal: client, egress, compute, archive, log }
  return { ...opened, exposition, secretKeys, publicUrl, requireSmtpTls }
}

/** The archive of closed events, if one is configured. */
async function createArchive({ ARCHIVE, ...config }: Config): Promise<Archive | undefined> {
  if (ARCHIVE?.kind === 'folder') {
    await mkdir(ARCHIVE.path, { recursive: true, mode: 0o700 })
    return createFolderArchive(ARCHIVE.path)
  }
  if (ARCHIVE?.kind !== 's3') return undefined
  // Loaded only when needed, because it takes half a second.
  const { createS3Archive } = await import('./archive/s3.ts')
  const { ARCHIVE_S3_ACCESS_KEY_ID: accessKeyId, ARCHIVE_S3_SECRET_ACCESS_KEY: secretAccessKey } = config
  return createS3Archive({
    ...ARCHIVE,
    endpoint: config.ARCHIVE_S3_ENDPOINT,
    region: config.ARCHIVE_S3_REGION,
    ...(accessKeyId !== undefined &&
      secretAccessKey !== undefined && { credentials: { accessKeyId, secretAccessKey } }),
  })
}

/** Opens the production platform: all services run elsewhere and are given by environment variables. */
export async function openProduction(lifecycle: Lifecycle): Promise<Platform> {
  const config = requireVariables(readConfig(), ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'SECRET_KEYS'])
  const services = {
    databaseUrl: config.DATABASE_URL,
    temporalAddress: config.TEMPORAL_ADDRESS,
    secretKeys: config.SECRET_KEYS,
    publicUrl: config.PUBLIC_URL,
    sandboxLoopback: false,
    requireSmtpTls: config.SMTP_TLS !== 'optional',
  }
  return openPlatform(config, services, await startTelemetry(config), lifecycle)
}

async function requireSearchAttributes(client: Client): Promise<void> {
  const missing = await missingSearchAttributes(client)
  if (missing.length === 0) return
  throw new Error(
    `The Temporal namespace "${client.options.namespace}" lacks the search attributes ${missing.join(', ')}: run \`npm run namespace:setup\` once.`,
  )
}

/** `eagerStart`: a worker in this process makes the first attempts of accepted events. */
export function openAdmission(
  { config, db, temporal, log }: Platform,
  { eagerStart, metrics }: { eagerStart: boolean; metrics: ApiMetrics },
): Admission {
  const deps = {
    hasBegun: (workflowId: string) => hasBegun(temporal, workflowId),
    lagOf: createReportedLag(db),
    onRefused: (code: RefusalCode) => metrics.countRefusal(code),
    log,
  }
  return createAdmission(deps, {
    slots: eagerStart ? eagerSlots : slotsOfApi,
    maxWaiting: maxWaitingEvents,
    maxBacklogMs: config.MAX_BACKLOG_SECONDS * 1000,
  })
}

/** Runs the workers. `fail` is called if they stop unexpectedly; `admission` is that of an API in this process. */
export async function runWorkers(
  platform: Platform,
  smtpUrl: string | undefined,
  lifecycle: Lifecycle,
  fail: (why: string) => void,
  admission?: Admission,
): Promise<void> {
  const { config, db, connection, temporal, archive, secretKeys, publicUrl, exposition, log } = platform
  const { egress, compute, requireSmtpTls } = platform
  const { MAIL_FROM: from, MAIL_BOUNCES: bounces, MAIL_FROM_DOMAINS: fromDomains } = config
  const mail = smtpUrl === undefined ? undefined : { smtpUrl, from, bounces, fromDomains }
  if (publicUrl === undefined) log.warn({ missing: 'PUBLIC_URL' }, 'links.left-out')
  // Events are delivered even if this account may not create schedules.
  await ensureRollUpSchedule(temporal).catch((err: unknown) => log.error({ err }, 'roll-up.not-scheduled'))
  const circuits = createCircuits()
  exportCircuits(exposition, circuits)
  const workers = await startWorkers({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    payloadKeys: config.PAYLOAD_KEYS,
    onEagerDone: () => admission?.eagerDone(),
    deps: {
      db,
      secretKeys,
      context: { egress, mail, requireSmtpTls },
      compute,
      lanes: createLanes(),
      circuits,
      throttles: createThrottles(),
      archive,
      acknowledgeLink: publicUrl === undefined ? undefined : createAcknowledgeLink(publicUrl, secretKeys),
      emailLinks: publicUrl === undefined ? undefined : createEmailLinks(publicUrl, secretKeys),
      metrics: createWorkerMetrics(exposition, channelNames),
      log,
    },
  })
  lifecycle.add('the workers', () => workers.stop())
  workers.done.catch((error: unknown) => fail(`The worker stopped unexpectedly: ${(error as Error).message}`))
}

/** Creates the platform key if no usable one exists. The caller shows it once; it cannot be read again. */
export async function firstPlatformKey({
  db,
  config,
}: Pick<Platform, 'db' | 'config'>): Promise<string | undefined> {
  return config.ADMIN_API_KEY ? undefined : makeFirstPlatformKey(db)
}
