import { condition, sleep } from '@temporalio/workflow'
import { expiryMs, type Event } from '../domain/event.ts'

/** When attempts at an event are to end. */
export interface Expiry {
  /** What the log says of a delivery that it ended. */
  reason: string
  /** Takes note of a time (Unix ms) that the history holds: the plan's, then those of attempts. */
  note(unixMs: number): void
  /** The newest of those (Unix ms). */
  nowMs(): number
  isOver(): boolean
  /** Whether it will be, so long from now. */
  isOverIn(delayMs: number): boolean
  /** Waits until something comes about or the event expires, for at most so long. `summary` is for Temporal's UI (domain/trace.ts). */
  until(come: () => boolean, mostMs: number, summary: string): Promise<boolean>
}

/**
 * Goes by times that the history holds and by a timer, not by the clock of workflow code: when a query is answered for a
 * workflow that had left the worker's cache, that clock may stand at an earlier workflow task than it does when the history
 * is replayed. `startedMs` (Unix ms) is when the workflow started.
 */
export function openExpiry(event: Pick<Event, 'expiresAt'>, startedMs: number): Expiry {
  const at = expiryMs(event)
  let known = startedMs
  let watched = false
  let passed = false
  const isOverIn = (delayMs: number) => passed || known + delayMs >= at
  const leftMs = () => Math.max(1, at - Date.now())

  /** Only an event that has to wait needs the timer. */
  function watch(): void {
    if (watched || at === Infinity) return
    watched = true
    const passes = sleep(leftMs(), { summary: 'the event expires' }).then(() => (passed = true))
    passes.catch(() => undefined) // It is given up with the workflow.
  }

  return {
    reason: `expired: no attempt is made after ${event.expiresAt}`,
    note(unixMs) {
      known = Math.max(known, unixMs)
    },
    nowMs: () => known,
    isOver: () => isOverIn(0),
    isOverIn,
    until(come, mostMs, summary) {
      watch()
      return condition(() => passed || come(), mostMs, { summary })
    },
  }
}
