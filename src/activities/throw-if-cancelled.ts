import { cancellationSignal } from '@temporalio/activity'

/** Throws when the worker stops or the workflow was cancelled. */
export function throwIfCancelled(): void {
  cancellationSignal().throwIfAborted()
}
