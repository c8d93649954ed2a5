import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig, type Config } from '../config.ts'
import { openDatabase } from '../database.ts'
import { countUnchained, listChains, verifyChain, type ChainReport, type Head } from '../db/audit/verify.ts'
import { findRunningUrl } from '../embedded/postgres/postgres.ts'
import { runRoot } from '../lifecycle.ts'

const usage = 'npm run audit:verify -- [--tenant ten_…] [--expect <chain>:<sequence>:<hash> …]'

/**
 * `npm run audit:verify`: verifies every chain of the audit log and exits with 1 if one is broken. `--expect` names entries that
 * were recorded elsewhere. Runs against DATABASE_URL, or the running database of `npm start`.
 */
await runRoot(async (lifecycle) => {
  const { tenant, expected } = readArguments()
  const db = await openDatabase(chooseDatabaseUrl(readConfig()))
  lifecycle.add('the database connection', () => db.$disconnect())
  const named = [...(await listChains(db, tenant)), ...expected.keys()]
  const reports: ChainReport[] = []
  for (const chain of new Set(named)) {
    const report = await verifyChain(db, chain, {
      expected: expected.get(chain),
      onPage: (entries) => progress(chain, entries),
    })
    reports.push(report)
    console.log(formatReport(report))
  }
  const unchained = await countUnchained(db, tenant)
  if (unchained > 0)
    console.log(`${unchained} entries predate the hash chains: whether they were changed cannot be verified.`)
  const broken = reports.filter((report) => report.broken)
  const entries = reports.reduce((sum, report) => sum + report.entries, 0)
  console.log(`${reports.length} chains, ${entries} entries verified, ${broken.length} chains broken`)
  await lifecycle.stop()
  process.exit(broken.length > 0 ? 1 : 0)
})

function formatReport({ chain, entries, head, broken }: ChainReport): string {
  // In the form that --expect takes.
  const at = head ? `${chain}:${head.sequence}:${head.hash}` : chain
  return broken
    ? `BROKEN  ${chain} at ${broken.sequence}: ${broken.why} (${entries} entries before it are unchanged)`
    : `OK  ${entries} entries  head ${at}`
}

function progress(chain: string, entries: number): void {
  if (entries > 0 && entries % 100_000 === 0) console.error(`  ${chain}: ${entries} entries so far`)
}

function readArguments(): { tenant: string | undefined; expected: Map<string, Head[]> } {
  const options = { tenant: { type: 'string' }, expect: { type: 'string', multiple: true } } as const
  let values: { tenant?: string; expect?: string[] }
  try {
    ;({ values } = parseArgs({ options }))
  } catch (error) {
    throw new Error(`${(error as Error).message}\nusage: ${usage}`, { cause: error })
  }
  const expected = new Map<string, Head[]>()
  for (const text of values.expect ?? []) {
    const [, chain, sequence, hash] = /^(\w+(?:\/\w+)?):([1-9]\d{0,9}):([0-9a-f]{64})$/.exec(text) ?? []
    if (chain === undefined || sequence === undefined || hash === undefined)
      throw new Error(`--expect ${text} is not <chain>:<sequence>:<hash>\nusage: ${usage}`)
    if (values.tenant !== undefined && values.tenant !== chain.split('/')[0])
      throw new Error(`--expect ${text} names a chain of a different tenant than --tenant ${values.tenant}`)
    expected.set(chain, [...(expected.get(chain) ?? []), { sequence: Number(sequence), hash }])
  }
  return { tenant: values.tenant, expected }
}

function chooseDatabaseUrl({ DATABASE_URL, DATA_DIR }: Config): string {
  const url = DATABASE_URL ?? findRunningUrl(join(DATA_DIR, 'postgres'))
  if (url !== undefined) return url
  throw new Error(
    `Set DATABASE_URL to the database whose audit log to verify. (For the one of \`npm start\`, start it first: no server runs on ${DATA_DIR}.)`,
  )
}
