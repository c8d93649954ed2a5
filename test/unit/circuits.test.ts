import { beforeEach, describe, expect, it } from 'vitest'
import { createCircuits, type Circuits } from '../../src/activities/circuits.ts'

const limits = {
  windowMs: 60_000,
  attempts: 10,
  failedShare: 0.7,
  openMs: 30_000,
  longestOpenMs: 100_000,
  probeMs: 40_000,
}
let now: number
let circuits: Circuits
beforeEach(() => {
  now = 1_000_000
  circuits = createCircuits(limits, () => now)
})

const isHeld = (id = 'dst_a') => circuits.hold(id) !== undefined
const record = (failed: boolean, count = 1) => {
  for (let made = 0; made < count; made++) circuits.record('dst_a', { failed })
}

describe('a circuit', () => {
  it('is closed at first, and for a destination that arrives', () => {
    expect(isHeld()).toBe(false)
    record(false, 100)
    expect(isHeld()).toBe(false)
  })

  it('opens at the tenth attempt when seven of ten failed, and not for fewer', () => {
    record(true, 7)
    record(false, 2)
    expect(isHeld()).toBe(false)
    record(false)
    expect(isHeld()).toBe(true)
    expect(isHeld('dst_b')).toBe(false)
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

  it('holds until it has been open for its time, and a little longer for those that would come at once', () => {
    record(true, 10)
    const held = Array.from({ length: 200 }, () => circuits.hold('dst_a')?.retryInMs ?? 0)
    expect(Math.min(...held)).toBeGreaterThanOrEqual(30_000)
    expect(Math.max(...held)).toBeLessThanOrEqual(36_000)
    expect(new Set(held).size).toBeGreaterThan(1)
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

  it('opens for twice as long each time the probe fails, up to the longest', () => {
    record(true, 10)
    for (const openMs of [30_000, 60_000, 100_000, 100_000]) {
      now += openMs - 1
      expect(isHeld()).toBe(true)
      now += 1
      expect(isHeld()).toBe(false)
      record(true)
    }
    expect(isHeld()).toBe(true)
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
})
