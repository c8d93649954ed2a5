import { defineSignal } from '@temporalio/workflow'
import type { Event } from '../../domain/event.ts'

/**
 * The queue of a destination: a FIFO semaphore. An ordered destination has one per key, with one permit that is held for a whole
 * delivery. A destination with `maxConcurrent` has one with that many permits, each held for an attempt.
 */
export const takeTurnsType = 'takeTurns'

/** Ids of the workflows that hold a turn and that wait for one. Carried over by continue-as-new. */
export interface TurnsInput {
  permits: number
  holding?: string[]
  waiting?: string[]
}

export function turnsWorkflowId(
  { tenantId, environment }: Pick<Event, 'tenantId' | 'environment'>,
  destinationId: string,
  orderHash?: string,
): string {
  const parts = [tenantId, environment, 'turns', destinationId, ...(orderHash ? [orderHash] : [])]
  return parts.join('/')
}

/** Requests a turn. Has no effect if the workflow is waiting already. `permits` limits how many hold a turn at once. */
export const enterSignal = defineSignal<[workflowId: string, permits: number]>('enter')

/** Releases a turn, or leaves the queue. */
export const leaveSignal = defineSignal<[workflowId: string]>('leave')

/** Tells a waiting workflow that its turn has come, and when (Unix ms). It may be sent more than once. */
export const turnSignal = defineSignal<[turnsWorkflowId: string, atMs: number]>('turn')
