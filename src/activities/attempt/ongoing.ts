import { LRUCache } from 'lru-cache'
import type { AttemptResult } from '../../domain/delivery/outcome.ts'

/** An attempt that this process is making, or made a moment ago. */
interface OngoingAttempt {
  readonly result: AttemptResult | undefined
  readonly done: Promise<AttemptResult>
  /** Reports the result to the workflow once the attempt ends. Calling it again changes nothing. */
  reportTo(report: (result: AttemptResult) => Promise<void>): void
}

export interface OngoingAttempts {
  /**
   * Makes the attempt, or returns the one already begun under the key: a workflow task that timed out is run again and must not
   * repeat what this process has sent.
   */
  begin(key: string, make: () => Promise<AttemptResult>): OngoingAttempt
  /** Settles once no attempt is in progress and every result is reported. */
  settled(): Promise<void>
}

/** Longer than an attempt takes and a workflow task may be repeated. */
const rememberMs = 120_000
const maxRemembered = 5_000

export function createOngoingAttempts(): OngoingAttempts {
  const known = new LRUCache<string, OngoingAttempt>({ max: maxRemembered, ttl: rememberMs })
  const open = new Set<Promise<unknown>>()

  function track(work: Promise<unknown>): void {
    open.add(work)
    void work.finally(() => open.delete(work))
  }

  function start(key: string, make: () => Promise<AttemptResult>): OngoingAttempt {
    let result: AttemptResult | undefined
    let reported = false
    const done = make().then((made) => {
      // Nothing was sent, so it may be retried.
      if (made.kind !== 'attempted') known.delete(key)
      return (result = made)
    })
    track(done)
    return {
      get result() {
        return result
      },
      done,
      reportTo(report) {
        if (!reported) track(done.then(report))
        reported = true
      },
    }
  }

  return {
    begin(key, make) {
      const attempt = known.get(key) ?? start(key, make)
      known.set(key, attempt)
      return attempt
    },
    async settled() {
      while (open.size > 0) await Promise.all(open)
    },
  }
}
