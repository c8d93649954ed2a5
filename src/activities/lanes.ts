/**
 * What one worker knows of its destinations' speed, so that a slow one holds nobody up (DESIGN §3). In memory: it is
 * about this worker's own slots, and a new worker starts with an open mind.
 */
export interface Lanes {
  /** Why an attempt should go to the slow lane, or `undefined` to make it here and now. */
  deferral(destinationId: string): string | undefined
  /** Counts an attempt as under way; call the answer when it ended. */
  enter(destinationId: string): (ended: { slow: boolean }) => void
}

export interface LaneLimits {
  /** Attempts of one destination under way at once in the fast lane. */
  inFlight: number
  /** For how long after a slow attempt the destination stays in the slow lane. */
  cooldownMs: number
}

const defaultLaneLimits: LaneLimits = { inFlight: 20, cooldownMs: 30_000 }

export function createLanes({ inFlight, cooldownMs }: LaneLimits = defaultLaneLimits): Lanes {
  const underWay = new Map<string, number>()
  const slowUntil = new Map<string, number>()
  return {
    deferral(destinationId) {
      if ((slowUntil.get(destinationId) ?? 0) > Date.now()) return 'recent attempts were slow'
      if ((underWay.get(destinationId) ?? 0) >= inFlight) return `${inFlight} attempts are under way`
      return undefined
    },
    enter(destinationId) {
      underWay.set(destinationId, (underWay.get(destinationId) ?? 0) + 1)
      return ({ slow }) => {
        const left = (underWay.get(destinationId) ?? 1) - 1
        if (left > 0) underWay.set(destinationId, left)
        else underWay.delete(destinationId)
        if (slow) slowUntil.set(destinationId, Date.now() + cooldownMs)
        else slowUntil.delete(destinationId)
      }
    },
  }
}
