import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig, type Config } from '../config.ts'
import { backUp } from '../embedded/backup/backup.ts'
import { runRoot } from '../lifecycle.ts'

const usage = 'npm run backup -- --to <folder>'

/** `npm run backup`: copies the data folder of `npm start`, running or not. See docs/operations/backup.md. */
await runRoot(async () => {
  const config = readConfig()
  const to = readTarget()
  const progress = (line: string) => console.error(`  ${line}`)
  const { pausedMs } = await backUp({ dataDir: config.DATA_DIR, to, progress })
  const paused = pausedMs === undefined ? '' : ` (the Temporal server was paused for ${pausedMs} ms)`
  console.log(`backed up ${config.DATA_DIR} to ${to}${paused}`)
  for (const line of listLeftOut(config)) console.log(`not included: ${line}`)
  process.exit(0)
})

/** What the environment variables put outside of the data folder. */
function listLeftOut(config: Config): string[] {
  const places = {
    DATABASE_URL: 'the PostgreSQL of DATABASE_URL',
    TEMPORAL_ADDRESS: 'the Temporal of TEMPORAL_ADDRESS',
    SECRET_KEYS: 'the keys of SECRET_KEYS',
    PAYLOAD_KEYS: 'the keys of PAYLOAD_KEYS',
    ARCHIVE: 'the archive of ARCHIVE',
  } as const
  const names = Object.keys(places) as (keyof typeof places)[]
  return names.filter((name) => config[name] !== undefined).map((name) => places[name])
}

function readTarget(): string {
  try {
    const { to } = parseArgs({ options: { to: { type: 'string' } } }).values
    if (to) return resolve(to)
  } catch (error) {
    throw new Error(`${(error as Error).message}\nusage: ${usage}`, { cause: error })
  }
  throw new Error(`usage: ${usage}`)
}
