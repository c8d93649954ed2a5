import { LRUCache } from 'lru-cache'

/** Events that this process has accepted and that no worker is known to have begun, by tenant. */
export interface Backlog {
  add(tenantId: string, workflowId: string): void
  /** True if the tenant's oldest waiting event is older than this. */
  isOlderThan(tenantId: string, maxAgeMs: number): Promise<boolean>
}

interface WaitingEvent {
  workflowId: string
  acceptedAt: number
}

interface Queue {
  /** The oldest first. */
  events: WaitingEvent[]
  /** The request to Temporal that is in progress, or just ended. */
  asked?: Promise<void>
}

/** Temporal is not asked more often for one tenant. */
const askEveryMs = 250
/** More are not kept: the age is that of the oldest. */
const maxKept = { tenants: 10_000, eventsEach: 2_000 }

/**
 * Asks Temporal about single events. The statistics of a task queue would not do: they may be five seconds old, and are not by
 * tenant.
 */
export function createBacklog(hasBegun: (workflowId: string) => Promise<boolean>): Backlog {
  const queues = new LRUCache<string, Queue>({ max: maxKept.tenants })

  /** Asked again after a while, also if Temporal has not answered. */
  function ask(queue: Queue): Promise<void> {
    return forgetBegun(queue).finally(() => {
      setTimeout(() => delete queue.asked, askEveryMs).unref()
    })
  }

  /** Workers begin a tenant's events in order, so each answer decides about half of the remaining ones. */
  async function forgetBegun({ events }: Queue): Promise<void> {
    let [begun, waiting] = [-1, events.length]
    for (let at = waiting - 1; begun < at && at < waiting; at = Math.floor((begun + waiting) / 2)) {
      if (await hasBegun(events[at]?.workflowId ?? '')) begun = at
      else waiting = at
    }
    events.splice(0, begun + 1)
  }

  return {
    add(tenantId, workflowId) {
      const queue = queues.get(tenantId) ?? { events: [] }
      if (queue.events.length < maxKept.eventsEach) queue.events.push({ workflowId, acceptedAt: Date.now() })
      queues.set(tenantId, queue)
    },
    async isOlderThan(tenantId, maxAgeMs) {
      const queue = queues.get(tenantId)
      const isOlder = () => queue?.events[0] && Date.now() - queue.events[0].acceptedAt > maxAgeMs
      if (queue && isOlder()) await (queue.asked ??= ask(queue))
      return isOlder() === true
    },
  }
}
