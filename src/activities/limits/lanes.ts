import { LRUCache } from 'lru-cache'

/**
 * One worker's view of its attempts in flight, so that neither a slow destination nor a tenant with many of them delays others.
 * Kept in memory, because it is about this worker's own slots.
 */
export interface Lanes {
  /** Why an attempt should go to the slow lane, or `undefined` to make it here and now. */
  deferral(lane: Lane): string | undefined
  /** Counts an attempt in the fast lane, preparation included. Call the returned function when it has ended. */
  enter(tenantId: string): () => void
  /** Counts a message that is being sent. A destination that takes longer than `slowAfterMs` counts as slow from then on. */
  send(destinationId: string, slowAfterMs: number): () => void
}

interface Lane {
  tenantId: string
  destinationId: string
}

export interface LaneLimits {
  /** Messages that are being sent to one destination at once. */
  perDestination: number
  /** Attempts of one tenant, and of all, in the fast lane at once. */
  perTenant: number
  inAll: number
  /** For how long after a slow attempt the destination stays in the slow lane. */
  cooldownMs: number
}

const defaultLaneLimits: LaneLimits = { perDestination: 20, perTenant: 60, inAll: 240, cooldownMs: 30_000 }

/**
 * The maximum number of slow destinations to remember. Beyond it, the least recently used one is forgotten. Each URL under test
 * counts as a destination.
 */
const maxSlow = 10_000

export function createLanes(limits: LaneLimits = defaultLaneLimits): Lanes {
  const sending = new Map<string, number>()
  const attempts = new Map<string, number>()
  const slowUntil = new LRUCache<string, number>({ max: maxSlow })
  let inAll = 0
  return {
    deferral({ tenantId, destinationId }) {
      if ((slowUntil.get(destinationId) ?? 0) > Date.now()) return 'recent attempts were slow'
      if ((sending.get(destinationId) ?? 0) >= limits.perDestination)
        return `${limits.perDestination} attempts are in flight`
      if ((attempts.get(tenantId) ?? 0) >= limits.perTenant)
        return `${limits.perTenant} attempts of the tenant are in flight`
      return inAll >= limits.inAll ? `${limits.inAll} attempts are in flight` : undefined
    },
    enter(tenantId) {
      inAll++
      const leave = count(attempts, tenantId)
      return () => {
        inAll--
        leave()
      }
    },
    send(destinationId, slowAfterMs) {
      const leave = count(sending, destinationId)
      let slow = false
      const timer = setTimeout(() => (slow = true) && note(), slowAfterMs)
      const note = () => void slowUntil.set(destinationId, Date.now() + limits.cooldownMs)
      return () => {
        clearTimeout(timer)
        leave()
        if (slow) note()
        else slowUntil.delete(destinationId)
      }
    },
  }
}

/** Increments the counter of the key; the returned function decrements it. */
export function count(counts: Map<string, number>, key: string): () => void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
  return () => {
    const left = (counts.get(key) ?? 1) - 1
    if (left > 0) counts.set(key, left)
    else counts.delete(key)
  }
}
