import { getClient } from '@temporalio/activity'
import { enterTurn, type QueueEntry } from '../temporal/turns.ts'

/**
 * Puts a workflow into a queue, as an activity: a workflow cannot start another one and signal it in one go. Answers when that was
 * (Unix ms).
 */
export function createEnterTurn() {
  return async (entering: QueueEntry): Promise<number> => {
    await enterTurn(getClient(), entering)
    return Date.now()
  }
}
