import { getClient } from '@temporalio/activity'
import { enterTurn, type Entering } from '../temporal/turns.ts'

/** As an activity, as a workflow cannot start another one and signal it in one go. */
export function createEnterTurn() {
  return (entering: Entering): Promise<void> => enterTurn(getClient(), entering)
}
