import type { Sinks } from '@temporalio/workflow'

/** What workflows tell the worker that runs them. Nothing of it is in their histories. */
export interface WorkerSinks extends Sinks {
  lag: {
    /** A timer has fired and its workflow goes on, `lateMs` after the timer was due. */
    timerFired(lateMs: number): void
  }
}
