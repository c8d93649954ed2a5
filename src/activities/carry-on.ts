import { cancellationSignal } from '@temporalio/activity'

/** Throws when the worker stops or the workflow was cancelled. */
export function carryOn(): void {
  cancellationSignal().throwIfAborted()
}
