import { LRUCache } from 'lru-cache'

/**
 * One worker's circuits: after many failures it makes no attempt for a while, then a single probe. Kept in memory: a new worker
 * starts with every circuit closed and finds out by itself. When a destination recovers elsewhere, its `recoveries`, loaded with
 * every attempt, closes the circuit here.
 */
export interface Circuits {
  /** Why and for how long not to make an attempt, or `undefined` to make it. The first that may be made after a while is the probe. */
  hold(destination: CircuitTarget): CircuitHold | undefined
  /** The same for an attempt that still has to wait for something else: it does not become the probe. */
  wouldHold(destination: CircuitTarget): CircuitHold | undefined
  /** Counts an attempt that was made. `error` is given where it failed. */
  record(destination: CircuitTarget, ended: { error?: string }): void
  /** The number of destinations at which no attempt is made now, apart from a probe. */
  countOpen(): number
}

/** A destination as an attempt loaded it. A circuit applies to the `recoveries` at which it opened. */
export interface CircuitTarget {
  id: string
  recoveries: number
}

interface CircuitHold {
  reason: string
  retryInMs: number
}

interface CircuitLimits {
  /** Attempts are counted for this long, starting with a failure. Then the count starts again. */
  windowMs: number
  /** The circuit opens when at least this many were made and at least this share of them failed. */
  attempts: number
  failedShare: number
  /** How long it stays open at first. Doubled after each failed probe, up to the maximum. */
  openMs: number
  longestOpenMs: number
  /** A probe without a result is dropped after this time. */
  probeMs: number
  /**
   * Deliveries that are held ask again after `minAskMs`, or after this share of the time for which the circuit has been open, and
   * all of a destination's at most once in `askGapMs`: a few notice a repair at once, and thousands do not fill the queue.
   */
  minAskMs: number
  askShare: number
  askGapMs: number
}

const defaultCircuitLimits: CircuitLimits = {
  windowMs: 60_000,
  attempts: 10,
  failedShare: 0.9,
  openMs: 30_000,
  longestOpenMs: 300_000,
  probeMs: 40_000,
  minAskMs: 5_000,
  askShare: 0.05,
  askGapMs: 200,
}

interface Closed {
  state: 'closed'
  recoveries: number
  since: number
  made: number
  failed: number
}

interface Open {
  state: 'open'
  recoveries: number
  since: number
  lastError: string
  /** The number of consecutive openings. */
  times: number
  /** No attempt before this time. */
  until: number
  probing: boolean
  /** When the last held delivery asks again. */
  lastAskAt: number
}

/** Deliveries that cannot be spread over `askGapMs` are spread over this share of the longest time. */
const spread = 0.2

/** The maximum number of failing destinations to remember. Beyond it, the least recently used one is forgotten. */
const maxCircuits = 10_000

export function createCircuits(limits = defaultCircuitLimits, now: () => number = Date.now): Circuits {
  /** Destinations that do not fail have no circuit. */
  const circuits = new LRUCache<string, Closed | Open>({ max: maxCircuits })

  /** A circuit that opened before the destination recovered is dropped. */
  function find({ id, recoveries }: CircuitTarget): Closed | Open | undefined {
    const known = circuits.get(id)
    if (!known || known.recoveries >= recoveries) return known
    circuits.delete(id)
    return undefined
  }

  function open({ id, recoveries }: CircuitTarget, lastError: string, before?: Open): void {
    const times = (before?.times ?? 0) + 1
    const openMs = Math.min(limits.openMs * 2 ** (times - 1), limits.longestOpenMs)
    const since = before?.since ?? now()
    const lastAskAt = before?.lastAskAt ?? 0
    const until = now() + openMs
    circuits.set(id, { state: 'open', recoveries, since, lastError, times, until, probing: false, lastAskAt })
  }

  function count(destination: CircuitTarget, known: Closed | undefined, error: string | undefined): void {
    const { id, recoveries } = destination
    const current = known && known.since > now() - limits.windowMs ? known : undefined
    if (!current && error === undefined) return void circuits.delete(id)
    const made = (current?.made ?? 0) + 1
    const failed = (current?.failed ?? 0) + (error === undefined ? 0 : 1)
    if (error !== undefined && made >= limits.attempts && failed >= made * limits.failedShare)
      return open(destination, error)
    circuits.set(id, { state: 'closed', recoveries, since: current?.since ?? now(), made, failed })
  }

  function held(circuit: Open): CircuitHold {
    const { since, lastError } = circuit
    const leastMs = Math.max(limits.minAskMs, (now() - since) * limits.askShare)
    circuit.lastAskAt = Math.max(circuit.lastAskAt + limits.askGapMs, now() + leastMs)
    const longestMs = limits.longestOpenMs * (1 - spread * Math.random())
    return {
      reason: `circuit open since ${new Date(since).toISOString()}; last error: ${lastError}`,
      retryInMs: Math.ceil(Math.min(circuit.lastAskAt - now(), longestMs)),
    }
  }

  function wouldHold(destination: CircuitTarget): CircuitHold | undefined {
    const circuit = find(destination)
    return circuit?.state === 'open' && circuit.until > now() ? held(circuit) : undefined
  }

  return {
    wouldHold,
    hold(destination) {
      const refused = wouldHold(destination)
      const circuit = find(destination)
      if (refused || circuit?.state !== 'open') return refused
      circuits.set(destination.id, { ...circuit, until: now() + limits.probeMs, probing: true })
      return undefined
    },
    record(destination, { error }) {
      const circuit = find(destination)
      // The attempt was made before the destination recovered and says nothing about its current state.
      if (circuit && circuit.recoveries > destination.recoveries) return
      if (circuit?.state !== 'open') count(destination, circuit, error)
      else if (error === undefined) circuits.delete(destination.id)
      // Others were under way when it opened: only a probe's failure opens it for longer.
      else if (circuit.probing) open(destination, error, circuit)
    },
    countOpen() {
      const at = now()
      return [...circuits.values()].filter((circuit) => circuit.state === 'open' && circuit.until > at).length
    },
  }
}
