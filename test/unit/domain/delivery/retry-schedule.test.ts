import { describe, expect, it } from 'vitest'
import {
  defaultSchedule,
  drawDelays,
  durationMs,
  durationPattern,
  lengthened,
} from '../../../../src/domain/delivery/retry-schedule.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const schedule = [0, 5_000, 5 * minute, 2 * hour, day]
const justBelowOne = 1 - Number.EPSILON

describe('the default schedule', () => {
  it('makes ten attempts within 75 h 35 min 5 s, as Standard Webhooks has it', () => {
    const delays = defaultSchedule.map(durationMs)
    expect(delays).toHaveLength(10)
    expect(delays[0]).toBe(0)
    expect(delays.reduce((sum, delay) => sum + delay, 0)).toBe(75 * hour + 35 * minute + 5_000)
    expect(delays).toEqual([...delays].sort((a, b) => a - b))
  })
})

describe('the delays as drawn', () => {
  it.each<[random: number, delays: number[]]>([
    [0, [0, 4_000, 4 * minute, 1.6 * hour, 0.8 * day]],
    [0.25, [0, 4_500, 4.5 * minute, 1.8 * hour, 0.9 * day]],
    [0.5, schedule],
    [justBelowOne, [0, 6_000, 6 * minute, 2.4 * hour, 1.2 * day]],
  ])('by %d are %j ms', (random, delays) => {
    expect(drawDelays(schedule, () => random)).toEqual(delays)
  })

  it('leave the delay before the first attempt as it is', () => {
    expect(drawDelays([minute, minute], () => 0)).toEqual([minute, 0.8 * minute])
  })

  it('are whole numbers of milliseconds, as a durable timer wants them', () => {
    expect(drawDelays([0, 7, 13], () => 0.123).every(Number.isInteger)).toBe(true)
  })
})

describe('a delay with a Retry-After', () => {
  it.each<[what: string, delayMs: number, retryAfterMs: number | undefined, lengthenedMs: number]>([
    ['longer than the schedule is obeyed', 5_000, 120_000, 120_000],
    ['shorter than the schedule changes nothing', 5 * minute, 1_000, 5 * minute],
    ['of nothing changes nothing', 5_000, 0, 5_000],
    ['of a year is cut to a day', 5_000, 365 * day, day],
    ['of just a day is obeyed', 5_000, day, day],
    ['of a year does not shorten a longer wait', 1.2 * day, 365 * day, 1.2 * day],
    ['that is not there changes nothing', 5_000, undefined, 5_000],
  ])('%s', (_what, delayMs, retryAfterMs, lengthenedMs) => {
    expect(lengthened(delayMs, retryAfterMs)).toBe(lengthenedMs)
  })
})

describe('a duration', () => {
  it.each([
    ['0s', 0],
    ['250ms', 250],
    ['90s', 90_000],
    ['5m', 5 * minute],
    ['2h', 2 * hour],
    ['1d', day],
    ['999999s', 999_999_000],
  ])('%s is %i ms', (text, milliseconds) => {
    expect(text).toMatch(durationPattern)
    expect(durationMs(text)).toBe(milliseconds)
  })

  it.each(['', '5', '5 m', '-5m', '1.5h', '5M', '5min', 'm', '1234567s', '5m\n', '1h30m', '1w', '1y'])(
    'is not written %j',
    (text) => {
      expect(text).not.toMatch(durationPattern)
    },
  )
})
