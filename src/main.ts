import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { firstPlatformKey, openAdmission, openPlatform, runWorkers, startTelemetry } from './compose.ts'
import { readConfig, type Config } from './config.ts'
import { migrateDatabase } from './database.ts'
import type { SecretKeys } from './domain/crypto/secret-box.ts'
import { linkBase } from './domain/crypto/signed-link.ts'
import { lockDataFolder } from './embedded/lock.ts'
import { startMailCatcher } from './embedded/mail.ts'
import { requireFreePort } from './embedded/ports.ts'
import { startPostgres } from './embedded/postgres/postgres.ts'
import { findTemporalBinary } from './embedded/temporal/binary.ts'
import { startTemporal } from './embedded/temporal/temporal.ts'
import { runRoot, type Lifecycle } from './lifecycle.ts'
import { serveApi } from './serve-api.ts'
import { createApiMetrics } from './metrics/api.ts'
import { connectTemporal } from './temporal/connect.ts'
import { prepareNamespace } from './temporal/namespace.ts'

/** `npm start`: everything in one command. What is not configured is brought along, with its data in `.data/`. */
await runRoot(async (lifecycle, fail) => {
  const config = readConfig()
  const telemetry = await startTelemetry(config)
  // Passable, for the account that PostgreSQL runs under when we are root.
  mkdirSync(config.DATA_DIR, { recursive: true, mode: 0o711 })
  const lock = lockDataFolder(config.DATA_DIR)
  lifecycle.add('the lock', () => Promise.resolve(lock.release()))
  await requireFreePort(config.PORT, 'API', 'PORT')
  if (config.METRICS_PORT !== undefined) await requireFreePort(config.METRICS_PORT, 'metrics', 'METRICS_PORT')

  const { applicationUrl: databaseUrl, url: ownerUrl } = config.DATABASE_URL
    ? { applicationUrl: config.DATABASE_URL, url: config.MIGRATE_DATABASE_URL }
    : await postgres(config, lifecycle, fail)
  const applied = await migrateDatabase(databaseUrl, ownerUrl)
  if (applied.length > 0) progress(`applied ${applied.length} database migration(s)`)
  const temporal = config.TEMPORAL_ADDRESS
    ? { address: config.TEMPORAL_ADDRESS, uiUrl: config.TEMPORAL_UI_URL }
    : await localTemporal(config, lifecycle, fail)
  const smtpUrl = config.SMTP_URL ?? (await mailCatcher(config, lifecycle))

  const services = {
    databaseUrl,
    temporalAddress: temporal.address,
    secretKeys: config.SECRET_KEYS ?? localSecretKeys(config),
    publicUrl: choosePublicUrl(config),
    sandboxLoopback: true,
    requireSmtpTls: config.SMTP_TLS === 'required',
  }
  const platform = await openPlatform(config, services, telemetry, lifecycle)
  progress('starting the worker and the API')
  const eagerStart = true
  const metrics = createApiMetrics(platform.exposition)
  const admission = openAdmission(platform, { eagerStart, metrics })
  await runWorkers(platform, smtpUrl, lifecycle, fail, admission)
  const limits = { sharesLimits: false, drainMs: 0 }
  const options = { eagerStart, admission, metrics, temporalUiUrl: temporal.uiUrl, ...limits }
  const url = await serveApi(platform, options, lifecycle)
  progress(
    'sandbox destinations may use loopback addresses, so that you can try a local receiver; production destinations may not',
  )
  const platformKey = await firstPlatformKey(platform)
  if (platformKey !== undefined) storePlatformKey(config, platformKey)
  announce({ api: url, docs: `${url}/docs`, 'temporal-ui': temporal.uiUrl, 'platform-key': platformKey })
})

function choosePublicUrl({ PUBLIC_URL, PORT }: Config): string {
  return PUBLIC_URL ?? `http://127.0.0.1:${PORT}`
}

function progress(line: string): void {
  console.error(`  ${line}`)
}

/** Prints the line that says that it is ready, for people and scripts: `ready` and then `name=value`. */
function announce(facts: Record<string, string | undefined>): void {
  const parts = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
  console.log(['ready', ...parts].join('  '))
}

async function postgres(config: Config, lifecycle: Lifecycle, fail: (why: string) => void) {
  const running = await startPostgres({ dataDir: join(config.DATA_DIR, 'postgres'), progress })
  lifecycle.add('PostgreSQL', () => running.stop())
  running.onExit((why) => fail(`PostgreSQL stopped unexpectedly: ${why}`))
  return running
}

async function localTemporal(config: Config, lifecycle: Lifecycle, fail: (why: string) => void) {
  const binary = await findTemporalBinary({
    path: config.PATH,
    cacheDir: config.CACHE_DIR,
    downloadBase: config.TEMPORAL_DOWNLOAD_URL,
    progress,
  })
  const running = await startTemporal({
    binary,
    dbFile: join(privateFolder(config, 'temporal'), 'temporal.db'),
    port: config.TEMPORAL_PORT,
    uiPort: config.TEMPORAL_UI_PORT,
    uiCodecEndpoint: config.PAYLOAD_KEYS && `${linkBase(choosePublicUrl(config))}/codec`,
    namespace: config.TEMPORAL_NAMESPACE,
    progress,
  })
  lifecycle.add('Temporal', () => running.stop())
  running.onExit((why) => fail(`The Temporal server stopped unexpectedly: ${why}`))
  const { connection, client } = await connectTemporal({
    address: running.address,
    namespace: config.TEMPORAL_NAMESPACE,
    tls: false,
  })
  const changed = await prepareNamespace(client, { setRetention: true })
  if (changed.length > 0) progress(`Temporal namespace "${config.TEMPORAL_NAMESPACE}": ${changed.join(', ')}`)
  await connection.close()
  return running
}

/** Private, because events contain identity documents that no other user of this machine may read. */
function privateFolder({ DATA_DIR }: Config, name: string): string {
  const folder = join(DATA_DIR, name)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

async function mailCatcher(config: Config, lifecycle: Lifecycle): Promise<string> {
  const folder = privateFolder(config, 'mail')
  const catcher = await startMailCatcher({ folder })
  lifecycle.add('the mail catcher', () => catcher.stop())
  progress(`mail is written to ${folder} instead of being sent (set SMTP_URL to send it)`)
  return catcher.smtpUrl
}

/** The key that seals secrets at rest, made at the first start. Losing it loses them: it lies beside the data. */
function localSecretKeys({ DATA_DIR }: Config): SecretKeys {
  const file = join(DATA_DIR, 'secret.key')
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64'), { mode: 0o600 })
  return [{ id: 'local', key: Buffer.from(readFileSync(file, 'utf8'), 'base64') }]
}

/** Stores the platform key, which is printed only once, for later use and for `npm run demo`. */
function storePlatformKey({ DATA_DIR }: Config, key: string): void {
  const file = join(DATA_DIR, 'platform.key')
  rmSync(file, { force: true }) // An older file would keep its own mode.
  writeFileSync(file, `${key}\n`, { mode: 0o600 })
  progress(`the platform key is stored in ${file}`)
}
