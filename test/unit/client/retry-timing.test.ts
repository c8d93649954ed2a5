import { describe, expect, it } from 'vitest'
import { parseRetryAfter, retryDelayMs, sleep } from '../../../packages/client/src/retry-timing.ts'

const policy = { maxRetries: 3, minDelayMs: 500, maxDelayMs: 30_000 }

describe('the delay before the next attempt', () => {
  it.each<[attempt: number, retryAfterMs: number | undefined, random: number, expected: number | undefined]>([
    [1, undefined, 0, 250],
    [1, undefined, 1, 500],
    [2, undefined, 1, 1000],
    [3, undefined, 1, 2000],
    [4, undefined, 1, undefined],
    [1, 0, 1, 500],
    [1, 10_000, 1, 10_000],
    [1, 30_000, 0, 30_000],
    [1, 30_001, 0, undefined],
  ])(
    'after attempt %i, with Retry-After of %s ms and the random number %s, is %s ms',
    (attempt, retryAfterMs, random, expected) => {
      expect(retryDelayMs(policy, attempt, retryAfterMs, random)).toBe(expected)
    },
  )

  it('has an upper bound', () => {
    expect(retryDelayMs({ ...policy, maxRetries: 99 }, 50, undefined, 1)).toBe(30_000)
  })
})

it.each([
  [null, undefined],
  ['0', 0],
  ['120', 120_000],
  ['Mon, 30 Nov 2026 12:00:05 GMT', 5000],
  ['Mon, 30 Nov 2026 11:00:00 GMT', 0],
  ['soon', undefined],
])('Retry-After: %s is %s ms', (header, expected) => {
  expect(parseRetryAfter(header, Date.parse('2026-11-30T12:00:00Z'))).toBe(expected)
})

it('a wait ends when its signal is aborted, before or during it', async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  const waiting = sleep(60_000, controller.signal)
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  await expect(sleep(60_000, controller.signal)).rejects.toBe(reason)
})
