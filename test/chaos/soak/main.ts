import { rm, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { startCommand } from '../command.ts'
import { printLedger } from '../ledger.ts'
import { runChaos } from '../run.ts'
import { compareQuarters, drawChart } from './chart.ts'
import { figures, startSampling } from './sampling.ts'

/**
 * `npm run soak -- --minutes 30 --rate 10`: the load of the chaos suite for a long time, with faults. One API and one worker are
 * never killed, so that a leak in them shows. Ends with the ledger, with the medians of the second and the last quarter, and with
 * a chart.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '10' },
    chart: { type: 'string', default: 'soak.svg' },
  },
})
const command = await startCommand('soak')
const { say, folder } = command
const [minutes, ratePerSecond] = [Number(values.minutes), Number(values.rate)]
let sampling: ReturnType<typeof startSampling> | undefined
const ledger = await runChaos({
  ...command,
  seed: Number(values.seed),
  events: minutes * 60 * ratePerSecond,
  kills: Math.ceil(minutes / 3) + 3,
  receiverFaults: 2 * minutes,
  spared: ['api-1', 'worker-1'],
  ratePerSecond,
  observe: (topology) => (sampling = startSampling(topology)),
})
await sampling?.stop()
printLedger(ledger, say)
const samples = sampling?.samples ?? []
for (const { figure, of, second, last } of compareQuarters(samples))
  say(`${figures[figure]}, ${of}: ${second.toFixed(0)} in the second quarter, ${last.toFixed(0)} in the last`)
await writeFile(
  values.chart,
  await drawChart(samples, `${minutes} minutes, ${ratePerSecond} events/s, with faults`),
)
say(`chart: ${values.chart}`)
await rm(folder, { recursive: true, force: true })
process.exit(ledger.violations.length === 0 ? 0 : 1)
