import { LRUCache } from 'lru-cache'

export interface ShareLimits {
  /** Running time that a tenant may use in a burst. It is restored evenly over `windowMs`. */
  shareMs: number
  windowMs: number
}

/** How much running time each tenant has used recently. In memory, per process. */
export interface Shares {
  use(tenantId: string, ranMs: number): void
  /** How long until the tenant may run jobs again; `undefined` if it may now. */
  exhaustedForMs(tenantId: string): number | undefined
}

export function createShares({ shareMs, windowMs }: ShareLimits, now: () => number): Shares {
  /** Time that is unused for a whole window is restored in full, so older entries may be dropped. */
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
