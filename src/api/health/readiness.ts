import type { Log } from '../../log.ts'
import { createWatch, type Dependency, type Watch, type WatchTimes } from './watch.ts'

export type DependencyName = 'postgresql' | 'temporal'

/**
 * Knows whether the services that the API needs respond. Calls that need one that is down are refused at once, so that they
 * neither wait nor pile up.
 */
export interface Readiness {
  report(): ReadinessReport
  /**
   * Does the work unless a service that it needs is down. If one goes down meanwhile, rejects without waiting for the work, whose
   * outcome then stays unknown.
   */
  guard<Result>(needs: Needs, work: () => Promise<Result>): Promise<Result>
  /** Reports from now on that this process is about to stop, so that load balancers send no further requests. */
  drain(): void
  /** Stops watching the services. */
  stop(): Promise<void>
}

export interface Needs {
  services: readonly DependencyName[]
  /** Rejects after this time if a service has not answered for a while, before it is known to be down. */
  suspectAfterMs?: number
}

interface ReadinessReport {
  status: 'ready' | 'unavailable' | 'stopping'
  dependencies: Partial<Record<DependencyName, 'up' | 'down'>>
}

/** Services that are not given count as up. */
export function createReadiness(
  dependencies: Partial<Record<DependencyName, Dependency>>,
  options: { log: Log; times?: WatchTimes },
): Readiness {
  const watches = new Map<string, Watch>(
    Object.entries(dependencies).map(([name, dependency]) => [name, createWatch(name, dependency, options)]),
  )
  let stopping = false

  return {
    report() {
      const states = [...watches].map(([name, watch]) => [name, watch.isDown() ? 'down' : 'up'])
      const isDown = states.some(([, state]) => state === 'down')
      return {
        status: stopping ? 'stopping' : isDown ? 'unavailable' : 'ready',
        dependencies: Object.fromEntries(states) as ReadinessReport['dependencies'],
      }
    },
    async guard({ services, suspectAfterMs }, work) {
      const needed = services.flatMap((name) => watches.get(name) ?? [])
      const down = needed.find((watch) => watch.isDown())
      if (down) throw down.refusal()
      if (needed.length === 0) return work()
      return new Promise((resolve, reject) => {
        const forget = needed.map((watch) => watch.onDown(reject))
        if (suspectAfterMs !== undefined) forget.push(rejectIfSuspect(needed, suspectAfterMs, reject))
        work()
          .then(resolve, reject)
          .finally(() => forget.forEach((forgetOne) => forgetOne()))
      })
    },
    drain() {
      stopping = true
    },
    async stop() {
      await Promise.all([...watches.values()].map((watch) => watch.stop()))
    },
  }
}

const recheckMs = 100

/** Returns the function that ends it. */
function rejectIfSuspect(
  watches: readonly Watch[],
  afterMs: number,
  reject: (refusal: Error) => void,
): () => void {
  function check(): void {
    const suspect = watches.find((watch) => watch.isSuspect())
    if (suspect) return reject(suspect.refusal())
    timer = setTimeout(check, recheckMs).unref()
  }
  let timer = setTimeout(check, afterMs).unref()
  return () => clearTimeout(timer)
}
