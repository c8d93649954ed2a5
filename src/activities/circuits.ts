/**
 * What one worker knows of destinations that fail: after many failures it asks nothing of them for a while, then tries once
 * (DESIGN §3). In memory: a new worker starts with an open mind, and each finds out by itself.
 */
export interface Circuits {
  /** Why and for how long not to make an attempt, or `undefined` to make it: the first after a while is the probe. */
  hold(destinationId: string): { reason: string; retryInMs: number } | undefined
  /** Counts an attempt that was made. */
  record(destinationId: string, ended: { failed: boolean }): void
}

export interface CircuitLimits {
  /** Attempts are counted for so long, from a failure on; then the count begins anew. */
  windowMs: number
  /** The circuit opens when at least so many were made and at least this share of them failed. */
  attempts: number
  failedShare: number
  /** How long it stays open at first; doubled after each probe that fails, up to the longest. */
  openMs: number
  longestOpenMs: number
  /** A probe that is not heard of again is forgotten after this time. */
  probeMs: number
}

const defaultCircuitLimits: CircuitLimits = {
  windowMs: 60_000,
  attempts: 10,
  failedShare: 0.9,
  openMs: 30_000,
  longestOpenMs: 300_000,
  probeMs: 40_000,
}

/** A destination that does not fail has none. */
type Circuit =
  | { state: 'closed'; since: number; made: number; failed: number }
  /** `times`: how often it opened in a row. `until`: no attempt before this time. */
  | { state: 'open'; times: number; until: number; probing: boolean }

/** Those that wait come back one after the other, over this share of the time. */
const spread = 0.2

const reason =
  'circuit open: nearly every recent attempt failed, so now and then one is tried before the others'

export function createCircuits(limits = defaultCircuitLimits, now: () => number = Date.now): Circuits {
  const circuits = new Map<string, Circuit>()

  function open(destinationId: string, times: number): void {
    const openMs = Math.min(limits.openMs * 2 ** (times - 1), limits.longestOpenMs)
    circuits.set(destinationId, { state: 'open', times, until: now() + openMs, probing: false })
  }

  function count(destinationId: string, failed: boolean): void {
    const known = circuits.get(destinationId)
    const current = known?.state === 'closed' && known.since > now() - limits.windowMs ? known : undefined
    if (!current && !failed) return void circuits.delete(destinationId)
    const made = (current?.made ?? 0) + 1
    const failures = (current?.failed ?? 0) + (failed ? 1 : 0)
    if (made >= limits.attempts && failures >= made * limits.failedShare) open(destinationId, 1)
    else
      circuits.set(destinationId, { state: 'closed', since: current?.since ?? now(), made, failed: failures })
  }

  return {
    hold(destinationId) {
      const circuit = circuits.get(destinationId)
      if (circuit?.state !== 'open') return undefined
      const leftMs = circuit.until - now()
      if (leftMs > 0) return { reason, retryInMs: Math.ceil(leftMs * (1 + spread * Math.random())) }
      circuits.set(destinationId, { ...circuit, until: now() + limits.probeMs, probing: true })
      return undefined
    },
    record(destinationId, { failed }) {
      const circuit = circuits.get(destinationId)
      if (circuit?.state !== 'open') count(destinationId, failed)
      else if (!failed) circuits.delete(destinationId)
      // Others were under way when it opened: only a probe's failure opens it for longer.
      else if (circuit.probing) open(destinationId, circuit.times + 1)
    },
  }
}
