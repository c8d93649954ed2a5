import type { Sinks } from '@temporalio/workflow'

/** Calls from workflows to the worker that runs them. They leave no trace in the histories. */
export interface WorkerSinks extends Sinks {
  lag: {
    /** A timer has fired, and its workflow continues `lateMs` after it was due. */
    timerFired(lateMs: number): void
  }
}
