import { conclude } from '../../src/domain/delivery/conclusion.ts'
import { nextAttempt, startProgress } from '../../src/domain/delivery/deadline.ts'
import type { Outcome } from '../../src/domain/delivery/outcome.ts'
import { defaultSchedule, durationMs } from '../../src/domain/delivery/retry-schedule.ts'

const scheduleMs = defaultSchedule.map(durationMs)

/** What chance draws: the least, the middle, and nearly the most. */
const drawn = [0, 0.5, 0.999]

/** Milliseconds to the next attempt, for each of `drawn`; a text where there is none. */
type Wait = number | string
export type Waits = Wait[]

/** When the default schedule makes the next attempt after so many, for each draw: written out, not computed. */
export const asScheduled: Record<number, Waits> = {
  1: [4_000, 5_000, 5_998],
  2: [240_000, 300_000, 359_880],
  3: [1_440_000, 1_800_000, 2_159_280],
  4: [5_760_000, 7_200_000, 8_637_120],
  5: [14_400_000, 18_000_000, 21_592_800],
  6: [28_800_000, 36_000_000, 43_185_600],
  7: [40_320_000, 50_400_000, 60_459_840],
  8: [57_600_000, 72_000_000, 86_371_200],
  9: [69_120_000, 86_400_000, 103_645_440],
  10: Array<Wait>(3).fill('failed: exhausted: all 10 attempts failed'),
}

/** The same end, whatever the number of attempts and whatever is drawn. */
export function always(end: string): Record<number, Waits> {
  return Object.fromEntries(Object.keys(asScheduled).map((made) => [made, drawn.map(() => end)]))
}

/** What the delivery policy makes of an outcome, had it been the first attempt's, the second's, … the tenth's. */
export function nextAttempts(outcome: Outcome): Record<number, Waits> {
  return Object.fromEntries(
    Object.keys(asScheduled).map((made) => [
      made,
      drawn.map((random) => wait(outcome, Number(made), random)),
    ]),
  )
}

function wait(outcome: Outcome, attemptsMade: number, random: number): Wait {
  let progress = startProgress({ scheduleMs, timeoutMs: 10_000 }, () => random)
  for (let made = 1; made < attemptsMade; made++) progress = nextAttempt(progress)?.progress ?? progress
  const conclusion = conclude(outcome, progress)
  switch (conclusion.status) {
    case 'pending':
      return conclusion.delayMs
    case 'failed':
      return `failed: ${conclusion.reason}`
    case 'delivered':
      return 'delivered'
  }
}
