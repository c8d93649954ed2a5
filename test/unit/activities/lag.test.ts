import { describe, expect, it } from 'vitest'
import { createLag, type DelayedWork } from '../../../src/activities/limits/lag.ts'

function setUp() {
  let now = 0
  const lag = createLag(() => now)
  return {
    lag,
    pass: (ms: number) => (now += ms),
    count: (tenantId: string, tasks: number) => {
      for (let task = 0; task < tasks; task++) lag.countTask(tenantId)
    },
    delay: (tenantId: string, delays: number[], of: DelayedWork = 'timer') => {
      for (const lateMs of delays) lag.noteDelay(tenantId, of, lateMs)
    },
  }
}

describe('when a tenant is late', () => {
  it('is when three tasks in a row were, by as much as the promptest of them', () => {
    const { lag, count, delay } = setUp()
    count('a', 3)
    delay('a', [9_000, 4_000])
    expect(lag.causes()).toEqual([])
    delay('a', [5_000])
    expect(lag.causes()).toEqual([{ tenantId: 'a', lateMs: 4_000 }])
  })

  it('is not when one of them was prompt, or when they are long ago', () => {
    const { lag, count, delay, pass } = setUp()
    count('a', 3)
    delay('a', [9_000, 9_000, 9_000, 20])
    expect(lag.causes()).toEqual([])
    delay('a', [9_000, 9_000, 9_000])
    pass(15_000)
    expect(lag.causes()).toEqual([])
  })

  it('is when timers are, though activities begin at once', () => {
    const { lag, count, delay } = setUp()
    count('a', 6)
    delay('a', [6_000, 6_000, 6_000])
    delay('a', [0, 0, 0], 'activity')
    expect(lag.causes()).toEqual([{ tenantId: 'a', lateMs: 6_000 }])
  })
})

describe('who causes it', () => {
  it('is a tenant that is late and takes most of the worker, not those that take less', () => {
    const { lag, count, delay } = setUp()
    count('flood', 1_000)
    count('busy', 500)
    for (let tenant = 0; tenant < 100; tenant++) count(`small-${tenant}`, 1)
    delay('flood', [8_000, 8_000, 8_000])
    expect(lag.causes()).toEqual([{ tenantId: 'flood', lateMs: 8_000 }])
  })

  it('is the tenant that takes the most where one that takes little is late', () => {
    const { lag, count, delay } = setUp()
    count('flood', 1_000)
    count('small', 3)
    delay('small', [8_000, 8_000, 8_000])
    expect(lag.causes()).toEqual([{ tenantId: 'flood', lateMs: 8_000 }])
  })

  it('is all where all take the same', () => {
    const { lag, count, delay } = setUp()
    for (const tenant of ['a', 'b', 'c']) count(tenant, 10)
    delay('b', [8_000, 8_000, 8_000])
    const causes = lag.causes().map(({ tenantId }) => tenantId)
    expect(causes.sort()).toEqual(['a', 'b', 'c'])
  })

  it('is decided by the tasks of the last seconds', () => {
    const { lag, count, delay } = setUp()
    count('earlier', 1_000)
    for (let second = 0; second < 60; second++) lag.tick()
    count('now', 10)
    delay('now', [8_000, 8_000, 8_000])
    expect(lag.causes()).toEqual([{ tenantId: 'now', lateMs: 8_000 }])
  })
})
