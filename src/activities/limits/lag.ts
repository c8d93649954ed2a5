import { LRUCache } from 'lru-cache'
import type { TenantLag } from '../../domain/limits/tenant-lag.ts'

/**
 * How late one worker's tasks begin, by tenant. Tasks begin late when the accepted events need more than the worker can do. The API
 * must then accept less from the tenants that cause the delay.
 */
export interface Lag {
  /** Counts a task of the tenant. */
  countTask(tenantId: string): void
  /** Records that work of the tenant begins now, `lateMs` after it was due. */
  noteDelay(tenantId: string, of: DelayedWork, lateMs: number): void
  /** Lets old tasks count for less. Call it once a second. */
  tick(): void
  /** The tenants that make the worker late, and how late it is because of each. */
  causes(): TenantLag[]
}

/** Timers wait for a workflow task slot, activities for an activity slot. One kind can be late while the other is on time. */
export type DelayedWork = 'timer' | 'activity'

/** A tenant is late if this many of its tasks in a row were late. A single late task may have been lost with a killed worker. */
const delaysInARow = 3
/** Older delays say nothing about the present. */
const maxAgeMs = 15_000
const maxTenants = 10_000
/** Per second, so that tasks count for about ten seconds. */
const decay = 0.9
/** Lower counts are dropped. */
const negligible = 0.05
/** Shorter delays are not reported. */
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
      const fairShare = all.reduce((sum, { tasks }) => sum + tasks, 0) / all.length
      // Temporal serves tenants in turn, so a tenant is delayed only by those that get at least as much as it does.
      const bySize = all.sort((left, right) => left.tasks - right.tasks || right.lateMs - left.lateMs)
      let lateMs = 0
      return bySize.flatMap(({ tenantId, tasks, lateMs: own }) => {
        if (own >= minLateMs) lateMs = Math.max(lateMs, Math.round(own))
        return lateMs > 0 && tasks >= fairShare ? [{ tenantId, lateMs }] : []
      })
    },
  }
}
