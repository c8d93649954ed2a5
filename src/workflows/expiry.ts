import { sleep } from '@temporalio/workflow'
import type { Event } from '../domain/event.ts'

/** When attempts at an event are to end. */
export interface Expiry {
  /** What the log says of a delivery that it ended. */
  reason: string
  /** Takes note of a time (Unix ms) that the history holds: the plan's, then those of attempts. */
  note(unixMs: number): void
  isOver(): boolean
  /** Whether it will be, so long from now. */
  isOverIn(delayMs: number): boolean
  /** Sees to it that `hasPassed` comes true, and a wait can end by it. */
  watch(): void
  hasPassed(): boolean
  /** How long a wait may last that does not end by it. */
  most(waitMs: number): number
}

/**
 * Goes by times that the history holds and by a timer, not by the clock of workflow code: when a query is answered for a
 * workflow that had left the worker's cache, that clock may stand at an earlier workflow task than it does when the history
 * is replayed. Workflows whose plan has no time began before that was known, and go by the clock.
 */
export function openExpiry({ expiresAt }: Pick<Event, 'expiresAt'>): Expiry {
  const at = expiresAt === undefined ? Infinity : Date.parse(expiresAt)
  let known: number | undefined
  let watched = false
  let passed = false
  const isOverIn = (delayMs: number) => passed || (known ?? Date.now()) + delayMs >= at
  return {
    reason: `expired: no attempt is made after ${expiresAt}`,
    note(unixMs) {
      known = Math.max(known ?? 0, unixMs)
    },
    isOver: () => isOverIn(0),
    isOverIn,
    watch() {
      if (watched || known === undefined || at === Infinity) return
      watched = true
      const passes = sleep(Math.max(1, at - Date.now())).then(() => (passed = true))
      passes.catch(() => undefined) // It is given up with the workflow.
    },
    hasPassed: () => passed,
    most: (waitMs) => (known === undefined ? Math.min(waitMs, Math.max(1, at - Date.now())) : waitMs),
  }
}
