import { rm } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { startCommand } from './command.ts'
import { printLedger } from './ledger.ts'
import { runChaos } from './run.ts'

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

const command = await startCommand('chaos')
const { say, folder } = command
const ledger = await runChaos({
  ...command,
  seed: Number(values.seed),
  events: Number(values.events),
  kills: Number(values.kills),
  receiverFaults: Number(values['receiver-faults']),
  ratePerSecond: Number(values.rate),
})
printLedger(ledger, say)
if (values.keep) say(`data and logs: ${folder}`)
else await rm(folder, { recursive: true, force: true })
process.exit(ledger.violations.length === 0 ? 0 : 1)
