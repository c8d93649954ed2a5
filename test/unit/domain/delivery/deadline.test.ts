import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { conclude, postpone, type HeldBack } from '../../../../src/domain/delivery/conclusion.ts'
import {
  afterHold,
  mayBeHeldMs,
  nextAttempt,
  startProgress,
  type Progress,
} from '../../../../src/domain/delivery/deadline.ts'
import type { Outcome } from '../../../../src/domain/delivery/outcome.ts'

const middle = () => 0.5
const start = (scheduleMs: number[], timeoutMs = 10_000) => startProgress({ scheduleMs, timeoutMs }, middle)

const failed: Outcome = { kind: 'failed', error: 'HTTP 500' }
const circuit: HeldBack = {
  by: 'circuit',
  reason: 'circuit open since then; last error: HTTP 500',
  retryInMs: 5_000,
}
const pace: HeldBack = { by: 'slot', reason: 'rate limit: at most 1 attempts per second', retryInMs: 60_000 }

/** After so many failed attempts, each made on time. */
function afterAttempts(progress: Progress, count: number): Progress {
  for (let made = 0; made < count; made++) progress = nextAttempt(progress)?.progress ?? progress
  return progress
}

describe('an attempt that is due may be held back', () => {
  const day = 86_400_000
  it.each<
    [what: string, scheduleMs: number[], made: number, heldMs: number, circuitMs: number, slotMs: number]
  >([
    ['until the rest of the schedule has passed', [0, 1_000], 0, 0, 1_000, 11_000],
    ['not by a circuit where there is no rest', [0], 0, 0, 0, 10_000],
    ['not by a circuit at the last attempt', [0, 1_000], 1, 0, 0, 10_000],
    ['only for what earlier holds have left', [0, 1_000, 5_000], 1, 2_000, 3_000, 13_000],
    ['not at all once that is used up', [0, 1_000], 0, 1_000, 0, 10_000],
    ['nor for a slot once its grace is used up, too', [0, 1_000], 0, 11_000, 0, 0],
    ['after the first delay, which it does not count', [60_000, 1_000], 0, 0, 1_000, 11_000],
    ['for days, if the schedule takes days', [0, day, day], 1, 0, day, day + 10_000],
  ])('%s', (_what, scheduleMs, made, heldMs, circuitMs, slotMs) => {
    const progress = afterHold(afterAttempts(start(scheduleMs), made), heldMs)
    expect([mayBeHeldMs(progress, 'circuit'), mayBeHeldMs(progress, 'slot')]).toEqual([circuitMs, slotMs])
  })
})

describe('a held delivery', () => {
  it.each<[what: string, held: HeldBack, heldMs: number, conclusion: object]>([
    ['waits until it may ask again', circuit, 0, { status: 'held', reason: circuit.reason, waitMs: 5_000 }],
    [
      'waits until its deadline at most',
      circuit,
      7_000,
      { status: 'held', reason: circuit.reason, waitMs: 3_000 },
    ],
    [
      'has failed at its deadline',
      circuit,
      10_000,
      {
        status: 'failed',
        reason:
          'circuit open since then; last error: HTTP 500; the retry schedule ended after 0 of 2 attempts',
      },
    ],
    [
      'waits for a slot a timeout longer',
      pace,
      10_000,
      { status: 'held', reason: pace.reason, waitMs: 10_000 },
    ],
    [
      'has failed when there is none then',
      pace,
      20_000,
      {
        status: 'failed',
        reason:
          'rate limit: at most 1 attempts per second; last error: timed out; the retry schedule ended after 0 of 2 attempts',
      },
    ],
  ])('%s', (_what, held, heldMs, conclusion) => {
    // prettier-ignore
    expect(postpone(held, afterHold(start([0, 10_000]), heldMs), 'timed out')).toEqual(conclusion)
  })
})

describe('an attempt that fails after it was held back', () => {
  it('is followed by the next one as scheduled, where that is before the deadline', () => {
    const progress = afterHold(start([0, 1_000, 5_000]), 2_000)
    expect(conclude(failed, progress)).toMatchObject({ status: 'pending', delayMs: 1_000 })
  })

  it('is followed by the next one at the deadline, where that comes first, and by no other', () => {
    const progress = afterHold(start([0, 1_000, 5_000]), 5_500)
    const next = conclude(failed, progress)
    expect(next).toMatchObject({ status: 'pending', delayMs: 500 })
    if (next.status === 'pending')
      expect(conclude(failed, next.progress)).toEqual({
        status: 'failed',
        reason: 'exhausted: every attempt failed; the retry schedule ended after 2 of 3 attempts',
      })
  })

  it('is followed by all of those without a delay', () => {
    expect(conclude(failed, start([0, 0, 0]))).toMatchObject({ status: 'pending', delayMs: 0 })
    const late = afterHold(start([0, 0, 0]), 5_000)
    expect(conclude(failed, late)).toMatchObject({ status: 'pending', delayMs: 0 })
  })
})

describe('a Retry-After', () => {
  it('is the receiver’s own wish, and may lead beyond the deadline', () => {
    const outcome: Outcome = { ...failed, retryAfterMs: 60_000 }
    expect(conclude(outcome, start([0, 1_000]))).toMatchObject({ status: 'pending', delayMs: 60_000 })
  })
})

describe('whatever holds a delivery back, and however often', () => {
  const schedule = fc.array(fc.integer({ min: 0, max: 600_000 }), { minLength: 1, maxLength: 20 })
  const holds = fc.array(
    fc.record({
      by: fc.constantFrom('circuit' as const, 'slot' as const),
      retryInMs: fc.integer({ min: 1, max: 300_000 }),
    }),
    { maxLength: 40 },
  )

  it('it has ended when its delays have passed, or a timeout later where it waited for a slot', () => {
    fc.assert(
      fc.property(schedule, holds, fc.integer({ min: 100, max: 30_000 }), (scheduleMs, all, timeoutMs) => {
        let progress = startProgress({ scheduleMs, timeoutMs }, Math.random)
        const deadlineMs = progress.delaysMs.slice(1).reduce((sum, delayMs) => sum + delayMs, 0)
        let passedMs = 0
        // Held back between each attempt and the next, as often as there is something to hold it.
        for (const hold of [...all, undefined, ...Array<undefined>(scheduleMs.length)]) {
          if (hold) {
            const held = postpone({ ...hold, reason: 'held' }, progress)
            if (held.status === 'failed') break
            passedMs += held.waitMs
            progress = afterHold(progress, held.waitMs)
            if (hold.retryInMs % 3 > 0) continue
          }
          const next = conclude(failed, progress)
          if (next.status !== 'pending') break
          passedMs += next.delayMs
          progress = next.progress
        }
        expect(passedMs).toBeLessThanOrEqual(deadlineMs + timeoutMs)
      }),
    )
  })

  it('it is never ended early: what is not held back follows its schedule to the last attempt', () => {
    fc.assert(
      fc.property(schedule, (scheduleMs) => {
        let progress = startProgress({ scheduleMs, timeoutMs: 100 }, Math.random)
        const delays = []
        for (let next = nextAttempt(progress); next; next = nextAttempt(progress)) {
          delays.push(next.delayMs)
          progress = next.progress
        }
        expect(delays).toEqual(progress.delaysMs.slice(1))
        expect(progress.leftMs).toBe(0)
      }),
    )
  })
})

describe('an attempt that was answered with HTTP 429', () => {
  const put = (retryAfterMs?: number): Outcome => ({
    kind: 'failed',
    error: 'HTTP 429: Too Many Requests',
    responseCode: 429,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })

  it('is made again when the receiver asked for it, and uses up none of the schedule’s', () => {
    const progress = start([0, 60_000])
    expect(conclude(put(1_000), progress)).toEqual({
      status: 'pending',
      delayMs: 1_000,
      progress: { ...progress, throttled: 1, leftMs: 59_000 },
    })
  })

  it.each<[what: string, scheduleMs: number[], outcome: Outcome, end: object]>([
    ['without Retry-After', [0, 60_000], put(), { status: 'pending', delayMs: 60_000 }],
    ['beyond the schedule’s end', [0, 60_000], put(90_000), { status: 'pending', delayMs: 90_000 }],
    [
      'where there is no time left',
      [0],
      put(1_000),
      { status: 'failed', reason: /^exhausted: all 1 attempts/ },
    ],
    [
      'with another status',
      [0, 60_000],
      { ...put(1_000), responseCode: 503 },
      { status: 'pending', delayMs: 60_000 },
    ],
  ])('follows the schedule %s', (_what, scheduleMs, outcome, { reason, ...end }: { reason?: RegExp }) => {
    const made = conclude(outcome, start(scheduleMs))
    expect(made).toMatchObject(end)
    if (reason && made.status === 'failed') expect(made.reason).toMatch(reason)
  })

  it('follows the schedule once it has been put off ten times', () => {
    let progress = start([0, 60_000])
    for (let count = 0; count < 10; count++) {
      const made = conclude(put(1_000), progress)
      if (made.status === 'pending') ({ progress } = made)
    }
    expect(conclude(put(1_000), progress)).toMatchObject({ progress: { attemptsMade: 1 } })
  })
})
