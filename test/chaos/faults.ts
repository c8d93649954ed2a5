import { execFile, execFileSync } from 'node:child_process'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Receivers } from './receivers.ts'
import { describeFault, type Fault, type PlannedFault, type ProcessName } from './schedule.ts'
import type { Topology } from './topology.ts'

/** A fault as it happened. Times are Unix ms. */
export interface FaultRecord {
  fault: Fault
  beganAt: number
  /** When each process was killed: later if it was still down. */
  killedAt: Map<string, number>
  /** When what had been killed was ready again, or the receiver answered again. */
  endedAt: number
}

export interface Injector {
  /** Begins the faults that are due after this many accepted events. */
  accepted(count: number): void
  inject(fault: Fault): Promise<void>
  records: FaultRecord[]
  /** Resolves once every fault is over. */
  done(): Promise<void>
}

interface InjectorOptions {
  topology: Topology
  receivers: Receivers
  archive: ChaosArchive
  schedule: PlannedFault[]
  say: (line: string) => void
}

export function createInjector({ topology, receivers, archive, schedule, say }: InjectorOptions): Injector {
  const due = [...schedule].sort((left, right) => left.afterEvents - right.afterEvents)
  const records: FaultRecord[] = []
  const running = new Set<Promise<void>>()
  // A process that is still down is not killed again before it is back.
  const turns = new Map<ProcessName, Promise<void>>()

  function restart(
    { killedAt }: FaultRecord,
    name: ProcessName,
    { forMs, clockMs }: { forMs: number; clockMs?: number },
  ): Promise<void> {
    const turn = (turns.get(name) ?? Promise.resolve()).then(async () => {
      const process = topology.processes[name]
      await process.kill()
      killedAt.set(name, Date.now())
      await sleep(forMs)
      await process.start(clockMs)
    })
    turns.set(name, turn)
    return turn
  }

  async function misbehave(receiver: string, how: Parameters<Receivers['misbehave']>[1], forMs: number) {
    receivers.misbehave(receiver, how)
    await sleep(forMs)
    receivers.misbehave(receiver, undefined)
  }

  async function apply(fault: Fault, record: FaultRecord): Promise<void> {
    switch (fault.kind) {
      case 'kill':
        await Promise.all(fault.targets.map((name) => restart(record, name, fault)))
        return
      case 'skew':
        return restart(record, fault.target, fault)
      case 'receiver':
        return misbehave(fault.target, fault.how, fault.forMs)
      case 'slack':
        return misbehave('slack', 'throttle', fault.forMs)
      case 'mail':
        receivers.refuseMail(true)
        await sleep(fault.forMs)
        receivers.refuseMail(false)
        return
      case 'archive':
        await archive.fill()
        archive.rollUpToday()
        await sleep(fault.forMs)
        await archive.free()
    }
  }

  async function inject(fault: Fault): Promise<void> {
    const record: FaultRecord = { fault, beganAt: Date.now(), killedAt: new Map(), endedAt: Infinity }
    records.push(record)
    say(`fault: ${describeFault(fault)}`)
    await apply(fault, record)
    record.endedAt = Date.now()
  }

  return {
    records,
    inject,
    accepted(count) {
      while (due[0] && due[0].afterEvents <= count) {
        const { afterEvents: _, ...fault } = due.shift() as PlannedFault
        const injected: Promise<void> = inject(fault).finally(() => running.delete(injected))
        running.add(injected)
      }
    },
    async done() {
      while (running.size > 0) await Promise.all(running)
    },
  }
}

/** The archive's folder on a disk of its own, which can be full. */
export interface ChaosArchive {
  folder: string
  /** Absent where this account may not mount a disk. */
  mounted: boolean
  fill(): Promise<void>
  free(): Promise<void>
  /** Archives the events that have ended by now. What becomes of it is seen at the end. */
  rollUpToday(): void
  unmount(): void
}

const run = promisify(execFile)
const diskMegabytes = 128

export async function openArchive(folder: string, rollUpToday: () => void): Promise<ChaosArchive> {
  await mkdir(folder, { recursive: true })
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m`, 'tmpfs', folder]).then(
    () => true,
    () => false,
  )
  const filler = join(folder, 'filler')
  let inUse = mounted
  const unmount = () => {
    if (inUse) execFileSync('umount', ['--lazy', folder])
    inUse = false
  }
  process.once('exit', unmount)
  return {
    folder,
    mounted,
    rollUpToday,
    async fill() {
      if (!mounted) return
      const file = await open(filler, 'w')
      const block = Buffer.alloc(1024 * 1024)
      try {
        for (;;) await file.write(block)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        await file.close()
      }
    },
    free: () => rm(filler, { force: true }),
    unmount,
  }
}
