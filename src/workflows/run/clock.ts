import { condition, proxySinks, sleep } from '@temporalio/workflow'
import { expiryMs, type Event } from '../../domain/event.ts'
import type { WorkerSinks } from '../contract/sinks.ts'
import type { Clock } from './types.ts'

const { lag } = proxySinks<WorkerSinks>()

/** `startedMs` is when the workflow started (Unix ms). */
export function createClock(event: Pick<Event, 'expiresAt'>, startedMs: number): Clock {
  const expiresAtMs = expiryMs(event)
  let knownMs = startedMs
  let timerStarted = false
  let timerFired = false
  const expiresWithin = (delayMs: number) => timerFired || knownMs + delayMs >= expiresAtMs

  /** Only an event that waits needs the timer. */
  function startTimer(): void {
    if (timerStarted || expiresAtMs === Infinity) return
    timerStarted = true
    const leftMs = Math.max(1, expiresAtMs - Date.now())
    const fired = sleep(leftMs, { summary: 'the event expires' }).then(() => (timerFired = true))
    fired.catch(() => undefined) // The workflow ended first.
  }

  const toIso = (delayMs: number) => new Date(knownMs + delayMs).toISOString()
  return {
    advanceTo(unixMs) {
      knownMs = Math.max(knownMs, unixMs)
    },
    nowMs: () => knownMs,
    now: () => toIso(0),
    in: toIso,
    expiryReason: `expired: no attempt is made after ${event.expiresAt}`,
    isExpired: () => expiresWithin(0),
    expiresWithin,
    async until(predicate, maxMs, summary) {
      startTimer()
      const dueMs = Date.now() + maxMs
      const endedEarly = await condition(() => timerFired || predicate(), maxMs, { summary })
      if (!endedEarly) lag.timerFired(Date.now() - dueMs)
      return endedEarly
    },
  }
}
