import { appendFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode } from '@temporalio/worker'
import type { TestProject } from 'vitest/node'
import { grantApplication } from '../../../src/db/schema/grants.ts'
import { migrate } from '../../../src/db/schema/migrate.ts'
import { startPostgres } from '../../../src/embedded/postgres/postgres.ts'
import { findTemporalBinary } from '../../../src/embedded/temporal/binary.ts'
import { startTemporal } from '../../../src/embedded/temporal/temporal.ts'

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string
    /** The same database as the application's role. */
    applicationUrl: string
    temporalAddress: string
    temporalBinary: string
    workflowBundle: string
  }
}

/** One real PostgreSQL and one real Temporal server for the whole run; each test file gets its own corner of both. */
export default async function services(project: TestProject) {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-test-'))
  // PostgreSQL runs as a user of its own when we are root, and must be able to reach its data.
  await chmod(folder, 0o755)
  const progress = (line: string) => console.error(`  ${line}`)
  const { logFolder } = project.getProvidedContext()
  // Looked through for canaries with the logs of the product.
  const logTo = (name: string) => (line: string) =>
    logFolder !== undefined && appendFileSync(join(logFolder, `${name}.log`), `${line}\n`)
  const binary = await findTemporalBinary({
    path: process.env.PATH ?? '',
    cacheDir: process.env.CACHE_DIR ?? join(homedir(), '.cache', 'switchyard'),
    progress,
  })
  const [postgres, temporal, bundle] = await Promise.all([
    startPostgres({
      dataDir: join(folder, 'postgres'),
      durable: false,
      progress: () => undefined,
      onLine: logTo('postgres'),
    }),
    startTemporal({
      binary,
      headless: true,
      namespace: 'default',
      progress: () => undefined,
      onLine: logTo('temporal'),
    }),
    bundleWorkflowCode({
      workflowsPath: pathTo('../../../src/workflows/index.ts'),
      payloadConverterPath: pathTo('../../../src/workflows/converters/payload-converter.ts'),
      logger: { ...console, trace() {}, debug() {}, info() {}, log() {} },
    }),
  ])
  await migrate(postgres.url)
  // Tests run as the application does: as a role that owns nothing.
  await grantApplication(postgres.url, postgres.applicationUrl)
  const bundlePath = join(folder, 'workflow-bundle.js')
  await writeFile(bundlePath, bundle.code)
  project.provide('databaseUrl', postgres.url)
  project.provide('applicationUrl', postgres.applicationUrl)
  project.provide('temporalAddress', temporal.address)
  project.provide('temporalBinary', binary)
  project.provide('workflowBundle', bundlePath)

  return async () => {
    await Promise.all([temporal.stop(), postgres.stop()])
    await rm(folder, { recursive: true, force: true })
  }
}

function pathTo(module: string): string {
  return fileURLToPath(new URL(module, import.meta.url))
}
