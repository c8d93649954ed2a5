import { LRUCache } from 'lru-cache'
import type { TenantLag } from '../../domain/limits/tenant-lag.ts'

/**
 * How late one worker's tasks begin, by tenant. Tasks begin late when accepted events need more than the worker can do; the API
 * then has to accept less from whoever causes it.
 */
export interface Lag {
  /** Counts a task of the tenant. */
  countTask(tenantId: string): void
  /** Records that work of the tenant which was due `lateMs` ago began now. */
  noteDelay(tenantId: string, of: DelayedWork, lateMs: number): void
  /** Forgets old counts: to be called once a second. */
  tick(): void
  /** The tenants that cause the worker to be late, and how late it is. */
  causes(): TenantLag[]
}

/** What follows a timer waits for a slot for workflow tasks, an activity for one of its own: one may be late without the other. */
export type DelayedWork = 'timer' | 'activity'

/** A tenant is late when this many delays in a row are long: a single late task may be one that was lost with a worker. */
const delaysInARow = 3
/** Older delays say nothing about the present. */
const maxAgeMs = 15_000
const maxTenants = 10_000
/** Per second: tasks count for about ten seconds. */
const decay = 0.9
/** Less than this part of a task is none. */
const negligible = 0.05
/** Later than this is worth reporting. */
const minLateMs = 1_000

interface Delay {
  lateMs: number
  at: number
}

interface TenantTasks {
  /** The latest delays; the oldest first. */
  delays: Record<DelayedWork, Delay[]>
  /** Recent tasks, the older the less they count. */
  tasks: number
}

export function createLag(now: () => number = Date.now): Lag {
  const tenants = new LRUCache<string, TenantTasks>({ max: maxTenants })

  function find(tenantId: string): TenantTasks {
    const known = tenants.get(tenantId)
    if (known) return known
    const tenant = { delays: { timer: [], activity: [] }, tasks: 0 }
    tenants.set(tenantId, tenant)
    return tenant
  }

  const latenessOf = ({ delays }: TenantTasks) =>
    Math.max(leastDelay(delays.timer), leastDelay(delays.activity))

  function leastDelay(delays: Delay[]): number {
    const recent = delays.filter(({ at }) => now() - at < maxAgeMs)
    if (recent.length < delaysInARow) return 0
    return Math.min(...recent.map(({ lateMs }) => lateMs))
  }

  return {
    countTask(tenantId) {
      find(tenantId).tasks++
    },
    noteDelay(tenantId, of, lateMs) {
      const delays = find(tenantId).delays[of]
      delays.push({ lateMs, at: now() })
      if (delays.length > delaysInARow) delays.shift()
    },
    tick() {
      for (const [tenantId, tenant] of tenants) {
        tenant.tasks *= decay
        if (tenant.tasks < negligible && latenessOf(tenant) === 0) tenants.delete(tenantId)
      }
    },
    causes() {
      const all = [...tenants.entries()].map(([tenantId, tenant]) => ({
        tenantId,
        tasks: tenant.tasks,
        lateMs: latenessOf(tenant),
      }))
      const late = all.filter(({ lateMs }) => lateMs >= minLateMs)
      const fairShare = all.reduce((sum, { tasks }) => sum + tasks, 0) / all.length
      return all.flatMap(({ tenantId, tasks }) => {
        // Temporal serves tenants in turn, so a tenant is delayed only by those that get at least as much as it does.
        const delayed = late.filter((other) => tasks >= Math.max(fairShare, other.tasks))
        const lateMs = Math.max(0, ...delayed.map((other) => other.lateMs))
        return lateMs > 0 ? [{ tenantId, lateMs: Math.round(lateMs) }] : []
      })
    },
  }
}
