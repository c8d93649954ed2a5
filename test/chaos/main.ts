import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { printLedger } from './ledger.ts'
import { runChaos } from './run.ts'
import { temporalBinary } from './temporal-binary.ts'

/**
 * `npm run chaos -- --seed 7 --events 5000`: two APIs, two workers, PostgreSQL and Temporal under load, while they are killed and
 * their receivers misbehave. Ends with a ledger, and with exit code 1 if anything was lost or cannot be explained. The same seed
 * gives the same events and the same faults.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    events: { type: 'string', default: '5000' },
    kills: { type: 'string', default: '14' },
    'receiver-faults': { type: 'string', default: '12' },
    rate: { type: 'string', default: '20' },
    keep: { type: 'boolean', default: false },
  },
})

// Exiting ends the processes that were started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

const startedAt = Date.now()
const say = (line: string) =>
  console.log(`${((Date.now() - startedAt) / 1000).toFixed(0).padStart(5)} s  ${line}`)
const folder = await mkdtemp(join(tmpdir(), 'switchyard-chaos-'))
const ledger = await runChaos({
  seed: Number(values.seed),
  events: Number(values.events),
  kills: Number(values.kills),
  receiverFaults: Number(values['receiver-faults']),
  ratePerSecond: Number(values.rate),
  folder,
  temporalBinary: await temporalBinary(say),
  patienceMs: 480_000,
  say,
})
printLedger(ledger, say)
if (values.keep) say(`data and logs: ${folder}`)
else await rm(folder, { recursive: true, force: true })
process.exit(ledger.violations.length === 0 ? 0 : 1)
