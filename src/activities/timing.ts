import { quietUntil } from '../domain/rules/quiet-hours.ts'
import type { QuietWindow, UntilTime } from '../domain/rules/rule.ts'
import { nextTimeOfDay } from '../domain/rules/zoned-time.ts'

/** A moment to wait for: ISO 8601, UTC, and how long from now. */
export interface Moment {
  until: string
  forMs: number
}

/**
 * Answers a rule's questions about the clock and the calendar. The answers are recorded, so that a workflow's replay gets the
 * same ones.
 */
export function createTiming() {
  return {
    /** When quiet hours that hold now end. */
    quietTime(windows: QuietWindow[]): Promise<Moment | undefined> {
      const until = quietUntil(windows, new Date())
      return Promise.resolve(until && toMoment(until))
    },

    /** When the clock of a zone next shows a time of day. */
    timeOfDay(time: UntilTime): Promise<Moment> {
      return Promise.resolve(toMoment(nextTimeOfDay(time, new Date())))
    },
  }
}

function toMoment(until: Date): Moment {
  return { until: until.toISOString(), forMs: Math.max(0, until.getTime() - Date.now()) }
}
