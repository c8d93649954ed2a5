import { LRUCache } from 'lru-cache'

export interface ShareLimits {
  /** Running time that a tenant may use in a burst. It is given back evenly over `windowMs`. */
  shareMs: number
  windowMs: number
}

/** How much running time each tenant has used lately. In memory: every process counts by itself. */
export interface Shares {
  use(tenantId: string, ranMs: number): void
  /** How long until the tenant may run something again; nothing where it may do so now. */
  exhaustedForMs(tenantId: string): number | undefined
}

export function createShares({ shareMs, windowMs }: ShareLimits, now: () => number): Shares {
  /** What is unused for a whole window has been given back. */
  const used = new LRUCache<string, { ms: number; at: number }>({ max: 10_000 })

  function currentMs(tenantId: string): number {
    const known = used.get(tenantId)
    return known ? Math.max(0, known.ms - (now() - known.at) * (shareMs / windowMs)) : 0
  }

  return {
    use(tenantId, ranMs) {
      used.set(tenantId, { ms: currentMs(tenantId) + ranMs, at: now() })
    },
    exhaustedForMs(tenantId) {
      const overMs = currentMs(tenantId) - shareMs
      return overMs < 0 ? undefined : Math.ceil(overMs * (windowMs / shareMs)) + 1
    },
  }
}
