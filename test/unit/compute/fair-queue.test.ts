import { describe, expect, it } from 'vitest'
import { createFairQueue, type FairQueueLimits, type Refusal } from '../../../src/compute/fair-queue.ts'

const limits: FairQueueLimits = {
  running: 2,
  runningPerTenant: 1,
  waitingPerTenant: 3,
  waiting: 100,
  shareMs: 1_000,
  windowMs: 10_000,
}

/** A queue with a clock of its own; `log` has what was started and refused. */
function openQueue(given: Partial<FairQueueLimits> = {}) {
  const clock = { ms: 0 }
  const log: string[] = []
  const refusals: Refusal[] = []
  const queue = createFairQueue({ ...limits, ...given }, () => clock.ms)
  const add = (tenantId: string, name: string) => {
    const job = {
      start: () => void log.push(name),
      refuse: (refusal: Refusal) => {
        refusals.push(refusal)
        log.push(`${name} refused: ${refusal.budget}`)
      },
    }
    queue.add(tenantId, job)
    return job
  }
  return { clock, log, refusals, queue, add }
}

describe('jobs of several tenants', () => {
  it('take turns by tenant, however many one of them has', () => {
    const { log, queue, add } = openQueue({ running: 1, waitingPerTenant: 10 })
    for (const name of ['a1', 'a2', 'a3']) add('a', name)
    add('b', 'b1')
    add('c', 'c1')
    for (const tenant of ['a', 'b', 'c', 'a']) queue.end(tenant, 1)
    expect(log).toEqual(['a1', 'b1', 'c1', 'a2', 'a3'])
  })

  it('leave room: one tenant does not run on every thread', () => {
    const { log, queue, add } = openQueue()
    add('a', 'a1')
    add('a', 'a2')
    add('b', 'b1')
    expect(log).toEqual(['a1', 'b1'])
    queue.end('a', 1)
    expect(log).toEqual(['a1', 'b1', 'a2'])
  })
})

describe('jobs that wait, of all tenants', () => {
  it('are limited, and a tenant has no more of them than it leaves to the others', () => {
    const { log, queue, add } = openQueue({ running: 1, waitingPerTenant: 10, waiting: 4 })
    for (const name of ['a1', 'a2', 'a3', 'a4']) add('a', name)
    add('b', 'b1')
    add('c', 'c1')
    add('d', 'd1')
    expect(log).toEqual(['a1', 'a4 refused: queue', 'd1 refused: queue'])
    queue.end('a', 1)
    add('d', 'd2')
    expect(log.slice(3)).toEqual(['b1'])
  })
})

describe('a tenant', () => {
  it('has only so many jobs waiting', () => {
    const { log, add } = openQueue()
    for (const name of ['1', '2', '3', '4', '5']) add('a', name)
    expect(log).toEqual(['1', '5 refused: queue'])
  })

  it('that has used up its share is refused until time has given some of it back', () => {
    const { clock, log, refusals, queue, add } = openQueue()
    add('a', '1')
    add('a', '2')
    queue.end('a', 1_100)
    add('a', '3')
    expect(log).toEqual(['1', '2 refused: share', '3 refused: share'])
    clock.ms += refusals[0]?.retryInMs ?? 0
    add('a', '4')
    add('b', '5')
    expect(log.slice(3)).toEqual(['4', '5'])
  })

  it('can take back a job that waits, and not one that runs', () => {
    const { log, queue, add } = openQueue()
    const running = add('a', '1')
    const waiting = add('a', '2')
    expect(queue.remove('a', waiting)).toBe(true)
    expect(queue.remove('a', running)).toBe(false)
    queue.end('a', 1)
    expect(log).toEqual(['1'])
  })
})
