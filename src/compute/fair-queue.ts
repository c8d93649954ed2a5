import { createShares, type ShareLimits } from './shares.ts'

/** Why a job is refused: its tenant has used up its share of time, or has too many jobs waiting. */
export interface Refusal {
  budget: 'share' | 'queue'
  retryInMs: number
}

export interface FairQueueLimits extends ShareLimits {
  /** Jobs that run at once, of all tenants. */
  running: number
  /** Jobs of one tenant that run at once. */
  runningPerTenant: number
  /** Jobs of one tenant that wait. */
  waitingPerTenant: number
  /** Jobs of all tenants that wait. A tenant is refused while it has as many waiting as are still free. */
  waiting: number
}

export interface QueuedJob {
  start(): void
  refuse(refusal: Refusal): void
}

export interface FairQueue {
  /** Starts the job now or in the tenant's turn, or refuses it. */
  add(tenantId: string, job: QueuedJob): void
  /** Removes a waiting job. Returns whether it was waiting. */
  remove(tenantId: string, job: QueuedJob): boolean
  /** A started job has ended after this time. */
  end(tenantId: string, ranMs: number): void
}

/** A queue is shorter after this time. */
export const queueRetryMs = 5_000

interface Tenant {
  waiting: QueuedJob[]
  running: number
}

/** Decides which job runs next: tenants take turns, however many jobs each has. */
export function createFairQueue(limits: FairQueueLimits, now: () => number): FairQueue {
  const shares = createShares(limits, now)
  /** Tenants with jobs in the order of their turns: the tenant whose job started last comes last. */
  const tenants = new Map<string, Tenant>()
  let running = 0
  let waiting = 0

  function isFull({ waiting: own }: Tenant): boolean {
    return own.length >= Math.min(limits.waitingPerTenant, limits.waiting - waiting)
  }

  function shareRefusal(tenantId: string): Refusal | undefined {
    const retryInMs = shares.exhaustedForMs(tenantId)
    return retryInMs === undefined ? undefined : { budget: 'share', retryInMs }
  }

  function startNext(): void {
    for (const [id, tenant] of tenants) {
      if (running >= limits.running) return
      if (tenant.running >= limits.runningPerTenant) continue
      const job = tenant.waiting.shift()
      if (!job) continue
      waiting--
      // Behind the others, where this loop finds it again if they leave room.
      tenants.delete(id)
      tenants.set(id, tenant)
      running++
      tenant.running++
      job.start()
    }
  }

  function refuseAll(tenant: Tenant, refusal: Refusal): void {
    const jobs = tenant.waiting.splice(0)
    waiting -= jobs.length
    for (const job of jobs) job.refuse(refusal)
  }

  return {
    add(tenantId, job) {
      const refusal = shareRefusal(tenantId)
      if (refusal) return job.refuse(refusal)
      const tenant = tenants.get(tenantId) ?? { waiting: [], running: 0 }
      if (isFull(tenant)) return job.refuse({ budget: 'queue', retryInMs: queueRetryMs })
      tenants.set(tenantId, tenant)
      tenant.waiting.push(job)
      waiting++
      startNext()
    },
    remove(tenantId, job) {
      const tenant = tenants.get(tenantId)
      const index = tenant?.waiting.indexOf(job) ?? -1
      if (index < 0) return false
      tenant?.waiting.splice(index, 1)
      waiting--
      return true
    },
    end(tenantId, ranMs) {
      const tenant = tenants.get(tenantId)
      if (!tenant) return
      running--
      tenant.running--
      shares.use(tenantId, ranMs)
      const refusal = shareRefusal(tenantId)
      if (refusal) refuseAll(tenant, refusal)
      // Moves the tenant behind those that arrived while its job ran.
      tenants.delete(tenantId)
      if (tenant.running > 0 || tenant.waiting.length > 0) tenants.set(tenantId, tenant)
      startNext()
    },
  }
}
