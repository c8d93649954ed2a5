import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { runChaos } from './run.ts'
import { temporalBinary } from './temporal-binary.ts'

/** The short form of `npm run chaos`: every process is killed once, and every kind of receiver fails once. */
it(
  'loses nothing, escalates on time and explains every duplicate, while every process is killed',
  { timeout: 300_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchyard-chaos-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const lines: string[] = []
    const { violations, rows } = await runChaos({
      seed: 17,
      events: 150,
      kills: 6,
      receiverFaults: 6,
      ratePerSecond: 10,
      folder,
      temporalBinary: await temporalBinary((line) => void lines.push(line)),
      patienceMs: 200_000,
      say: (line) => void lines.push(line),
    })
    expect(violations, [...lines, ...rows.map((row) => row.join(': '))].join('\n')).toEqual([])
  },
)
