import { defineSignal } from '@temporalio/workflow'
import type { Event } from '../../domain/event.ts'

/**
 * Gives turns at a destination, one after the other or so many at once: first come, first served. Ordered destinations have
 * one for each key, held for a whole delivery; those with `maxConcurrent` have one, held for an attempt.
 */
export const takeTurnsType = 'takeTurns'

/** Ids of the workflows that hold a turn and that wait for one. Carried over when its history has grown long. */
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

/** Asks for a turn, or does nothing where the workflow waits for one already. `permits` is how many may hold one at once. */
export const enterSignal = defineSignal<[workflowId: string, permits: number]>('enter')

/** Gives a turn back, or up. */
export const leaveSignal = defineSignal<[workflowId: string]>('leave')

/** Tells a waiting workflow that its turn has come, and when (Unix ms). It may be told again. */
export const turnSignal = defineSignal<[turnsWorkflowId: string, atMs: number]>('turn')
