import { describe, expect, it } from 'vitest'
import { defaultSchedule, durationMs, durationPattern, nextDelayMs } from '../../src/domain/retry-schedule.ts'

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

describe('the wait before the next attempt', () => {
  it.each<[made: number, random: number, delayMs: number | undefined]>([
    [0, 0, 0],
    [0, justBelowOne, 0],
    [1, 0, 4_000],
    [1, 0.5, 5_000],
    [1, justBelowOne, 6_000],
    [2, 0, 4 * minute],
    [2, justBelowOne, 6 * minute],
    [3, 0.25, 1.8 * hour],
    [4, 0, 0.8 * day],
    [4, justBelowOne, 1.2 * day],
    [5, 0, undefined],
    [5, justBelowOne, undefined],
    [500, 0.5, undefined],
  ])('after %i attempts, drawn %d, is %d ms', (attemptsMade, random, delayMs) => {
    expect(nextDelayMs(schedule, { attemptsMade, random })).toBe(delayMs)
  })

  it.each<[what: string, made: number, retryAfterMs: number, delayMs: number | undefined]>([
    ['longer than the schedule is obeyed', 1, 120_000, 120_000],
    ['shorter than the schedule changes nothing', 2, 1_000, 5 * minute],
    ['of nothing changes nothing', 1, 0, 5_000],
    ['of a year is cut to a day', 1, 365 * day, day],
    ['of just a day is obeyed', 1, day, day],
    ['of a year does not shorten a longer wait', 4, 365 * day, day],
    ['does not outlive the schedule', 5, 1_000, undefined],
  ])('a Retry-After %s', (_what, attemptsMade, retryAfterMs, delayMs) => {
    expect(nextDelayMs(schedule, { attemptsMade, retryAfterMs, random: 0.5 })).toBe(delayMs)
  })

  it('has no end to wait for in an empty schedule', () => {
    expect(nextDelayMs([], { attemptsMade: 0, random: 0.5 })).toBeUndefined()
  })

  it('is a whole number of milliseconds, as a durable timer wants it', () => {
    expect(Number.isInteger(nextDelayMs([0, 7], { attemptsMade: 1, random: 0.123 }))).toBe(true)
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
