import { beforeEach, describe, expect, it } from 'vitest'
import { createCircuits, type Circuits } from '../../../src/activities/limits/circuits.ts'

const limits = {
  windowMs: 60_000,
  attempts: 10,
  failedShare: 0.7,
  openMs: 30_000,
  longestOpenMs: 100_000,
  probeMs: 40_000,
  minAskMs: 5_000,
  askShare: 0.1,
  askGapMs: 200,
}
let now: number
let circuits: Circuits
beforeEach(() => {
  now = Date.parse('2026-11-28T10:00:00.000Z')
  circuits = createCircuits(limits, () => now)
})

const at = (recoveries = 0, id = 'dst_a') => ({ id, recoveries })
const isHeld = (destination = at()) => circuits.hold(destination) !== undefined
const record = (failed: boolean, count = 1, destination = at()) => {
  for (let made = 0; made < count; made++)
    circuits.record(destination, { error: failed ? 'HTTP 500' : undefined })
}
const waits = (count: number) =>
  Array.from({ length: count }, () => circuits.hold(at())?.retryInMs ?? Number.NaN)

describe('a circuit', () => {
  it('is closed at first, and for a destination that arrives', () => {
    expect(isHeld()).toBe(false)
    record(false, 100)
    expect(isHeld()).toBe(false)
  })

  it('is counted as open until its time is over, and again during its probe', () => {
    expect(circuits.countOpen()).toBe(0)
    record(true, 10)
    record(true, 10, at(0, 'dst_b'))
    record(true, 9, at(0, 'dst_c'))
    expect(circuits.countOpen()).toBe(2)
    now += limits.openMs
    expect(circuits.countOpen()).toBe(0)
    expect(isHeld()).toBe(false)
    expect(circuits.countOpen()).toBe(1)
    record(false)
    expect(circuits.countOpen()).toBe(0)
  })

  it('opens at the tenth attempt when seven of ten failed, and not for fewer', () => {
    record(true, 6)
    record(false, 3)
    expect(isHeld()).toBe(false)
    record(true)
    expect(isHeld()).toBe(true)
    expect(isHeld(at(0, 'dst_b'))).toBe(false)
  })

  it('stays closed when fewer than seven of ten fail', () => {
    record(true, 6)
    record(false, 4)
    record(true, 1)
    record(false, 3)
    expect(isHeld()).toBe(false)
  })

  it('forgets failures after a minute', () => {
    record(true, 9)
    now += 60_001
    record(true, 9)
    expect(isHeld()).toBe(false)
    record(true)
    expect(isHeld()).toBe(true)
  })

  it('says since when it is open, and the last error', () => {
    record(true, 10)
    now += 10_000
    expect(circuits.hold(at())?.reason).toBe(
      'circuit open since 2026-11-28T10:00:00.000Z; last error: HTTP 500',
    )
  })

  it('then lets one probe through, which closes it when it arrives', () => {
    record(true, 10)
    now += 30_000
    expect(isHeld()).toBe(false)
    expect(isHeld()).toBe(true)
    record(false)
    expect(isHeld()).toBe(false)
    record(true, 9)
    expect(isHeld()).toBe(false)
  })

  it('is not opened by an attempt that arrives', () => {
    record(true, 9)
    record(false)
    expect(isHeld()).toBe(false)
  })

  it('is closed by any other attempt that arrives', () => {
    record(true, 10)
    record(false)
    expect(isHeld()).toBe(false)
  })

  it('opens for twice as long each time the probe fails, up to the longest', () => {
    record(true, 10)
    for (const openMs of [30_000, 60_000, 100_000, 100_000]) {
      now += openMs - 1
      expect(isHeld()).toBe(true)
      now += 1
      expect(isHeld()).toBe(false)
      record(true)
    }
    expect(circuits.hold(at())?.reason).toContain('circuit open since 2026-11-28T10:00:00.000Z')
  })

  it('is not opened for longer by attempts that were under way when it opened', () => {
    record(true, 10)
    record(true, 5)
    now += 30_000
    expect(isHeld()).toBe(false)
  })

  it('probes again when nothing is heard of the first probe', () => {
    record(true, 10)
    now += 30_000
    expect(isHeld()).toBe(false)
    now += 39_999
    expect(isHeld()).toBe(true)
    now += 1
    expect(isHeld()).toBe(false)
  })

  it('makes no probe of an attempt that still waits for something else', () => {
    record(true, 10)
    expect(circuits.wouldHold(at())).toBeDefined()
    now += 30_000
    expect(circuits.wouldHold(at())).toBeUndefined()
    expect(circuits.wouldHold(at())).toBeUndefined()
    expect(isHeld()).toBe(false)
    expect(circuits.wouldHold(at())).toBeDefined()
  })
})

describe('a delivery that a circuit holds', () => {
  it('asks again soon, and many of them one after the other', () => {
    record(true, 10)
    expect(waits(4)).toEqual([5_000, 5_200, 5_400, 5_600])
    now += 5_000
    expect(waits(2)).toEqual([5_000, 5_200])
  })

  it('asks less often the longer the circuit is open', () => {
    record(true, 10)
    now += 30_000
    expect(isHeld()).toBe(false)
    record(true)
    now += 50_000
    expect(waits(1)).toEqual([8_000])
  })

  it('asks within the longest time, however many there are, and not all at once', () => {
    record(true, 10)
    const all = waits(2_000).slice(1_000)
    expect(Math.max(...all)).toBeLessThanOrEqual(100_000)
    expect(Math.min(...all)).toBeGreaterThanOrEqual(80_000)
    expect(new Set(all).size).toBeGreaterThan(100)
  })
})

describe('a destination that has recovered', () => {
  it('has a closed circuit, and begins to count anew', () => {
    record(true, 10)
    expect(isHeld(at(1))).toBe(false)
    record(true, 9, at(1))
    expect(isHeld(at(1))).toBe(false)
    record(true, 1, at(1))
    expect(isHeld(at(1))).toBe(true)
  })

  it('is not judged by attempts from before', () => {
    record(true, 9, at(1))
    record(true, 10, at(0))
    record(false, 1, at(0))
    expect(isHeld(at(1))).toBe(false)
    record(true, 1, at(1))
    expect(isHeld(at(1))).toBe(true)
  })
})

it('is forgotten for the destination used least recently, once 10,000 fail', () => {
  for (let index = 0; index <= 10_000; index++) record(true, limits.attempts, at(0, `dst_${index}`))
  expect(circuits.countOpen()).toBe(10_000)
  expect(isHeld(at(0, 'dst_0'))).toBe(false)
  expect(isHeld(at(0, 'dst_1'))).toBe(true)
})
