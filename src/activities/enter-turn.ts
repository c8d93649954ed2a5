import { getClient } from '@temporalio/activity'
import { enterTurn, type QueueEntry } from '../temporal/turns.ts'

/**
 * Appends a workflow to a queue. An activity, because a workflow cannot start and signal another one atomically. Returns the time
 * of the entry (Unix ms).
 */
export function createEnterTurn() {
  return async (entering: QueueEntry): Promise<number> => {
    await enterTurn(getClient(), entering)
    return Date.now()
  }
}
