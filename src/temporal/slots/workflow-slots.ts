import type { CustomSlotSupplier, WorkflowSlotInfo } from '@temporalio/worker'
import { createFairSlots, type Release } from './fair-slots.ts'

interface Permit {
  release: Release
  eager: boolean
}

/**
 * A worker's slots for workflow tasks. Events that start in its own process (eager start) have separate slots from tasks that it
 * polls, so that neither a backlog nor a bulk replay delays an event that is being posted.
 */
export function workflowSlots(options: {
  eager: number
  polled: number
  onEagerDone?: () => void
}): CustomSlotSupplier<WorkflowSlotInfo> {
  const eager = createFairSlots(options.eager)
  const polled = createFairSlots(options.polled)

  return {
    type: 'custom',
    async reserveSlot({ isSticky }, signal): Promise<Permit> {
      const release = await polled.take(isSticky ? 'sticky' : 'normal', signal)
      if (!release) throw signal.reason
      return { release, eager: false }
    },
    tryReserveSlot(): Permit | null {
      const release = eager.takeNow()
      return release ? { release, eager: true } : null
    },
    markSlotUsed: () => undefined,
    releaseSlot({ permit, slotInfo }) {
      const { release, eager: wasEager } = permit as Permit
      release()
      // Without a task, the server did not start it eagerly.
      if (wasEager && slotInfo) options.onEagerDone?.()
    },
  }
}
