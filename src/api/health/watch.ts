import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../log.ts'
import { ApiError } from '../errors.ts'

/** A service that the API needs. */
export interface Dependency {
  /** For messages, such as `PostgreSQL`. */
  title: string
  /** Resolves if the service does its work. The signal is aborted once the answer is no longer waited for. */
  ask: (signal: AbortSignal) => Promise<unknown>
  /** Called when the service is found to be down, to give up what waits for it. */
  dropConnections?: () => void
}

export interface Watch {
  /** Calls that need the service are refused. */
  isDown(): boolean
  /** The service is down or may be: it has not answered the current question for a while, or has failed to answer the last one. */
  isSuspect(): boolean
  /** The error for a call that needs the service. */
  refusal(): ApiError
  /** Calls back if the service goes down. Returns the function that takes the callback back. */
  onDown(callback: (refusal: ApiError) => void): () => void
  stop(): Promise<void>
}

/**
 * Silence is counted in ticks of this process: one that is blocked, or waits for a processor, counts fewer of them, and so does not
 * blame a service for an answer that it has not yet read.
 */
export interface WatchTimes {
  tickMs: number
  /** Between an answer and the next question. */
  everyMs: number
  /** Between a first failure and the next question. */
  againMs: number
  /** A service that has not answered for this many ticks is suspect. */
  suspectTicks: number
  /** A question that is not answered within this many ticks has failed. */
  deadlineTicks: number
}

/** A service that is merely busy answers within three seconds. */
const defaultWatchTimes: WatchTimes = {
  tickMs: 100,
  everyMs: 400,
  againMs: 100,
  suspectTicks: 10,
  deadlineTicks: 30,
}

/** A single error may be a connection that was just closed. A question without an answer is enough by itself. */
const errorsUntilDown = 2

interface Outage {
  since: number
  refused: number
}

/** Asks a service again and again, and notices when it goes down and comes back. */
export function createWatch(
  name: string,
  { title, ask, dropConnections }: Dependency,
  { log, times = defaultWatchTimes }: { log: Log; times?: WatchTimes },
): Watch {
  const callbacks = new Set<(refusal: ApiError) => void>()
  const ended = new AbortController()
  let outage: Outage | undefined
  let errors = 0
  /** Since the open question. */
  let ticks = 0
  let giveUp: (() => void) | undefined
  const ticking = setInterval(() => {
    if (++ticks > times.deadlineTicks) giveUp?.()
  }, times.tickMs).unref()

  function refusal(): ApiError {
    if (outage) outage.refused++
    return new ApiError('unavailable', `${title} is not responding. ${advice}`, {
      headers: { 'Retry-After': '5' },
      isCounted: true,
    })
  }

  function goDown(err: unknown): void {
    if (outage) return
    outage = { since: Date.now(), refused: 0 }
    log.error({ dependency: name, err }, 'dependency.down')
    for (const callback of callbacks) callback(refusal())
    callbacks.clear()
    dropConnections?.()
  }

  function comeBack(): void {
    errors = 0
    if (!outage) return
    const { since, refused } = outage
    outage = undefined
    log.warn({ dependency: name, downMs: Date.now() - since, refused }, 'dependency.up')
  }

  function fail(error: unknown): void {
    if (ended.signal.aborted) return
    errors++
    if (error instanceof Silence || errors >= errorsUntilDown) goDown(error)
  }

  async function askOnce(): Promise<void> {
    const patience = new AbortController()
    const silence = new Promise<never>((_resolve, reject) => {
      giveUp = () => reject(new Silence(`no answer for ${(times.deadlineTicks * times.tickMs) / 1000} s`))
    })
    ticks = 0
    const answer = ask(patience.signal)
    try {
      await Promise.race([answer, silence])
    } finally {
      giveUp = undefined
      patience.abort()
      answer.catch(() => undefined)
    }
  }

  async function watch(): Promise<void> {
    while (!ended.signal.aborted) {
      await askOnce().then(comeBack, fail)
      const restMs = errors > 0 && !outage ? times.againMs : times.everyMs
      await sleep(restMs, undefined, { ref: false, signal: ended.signal }).catch(() => undefined)
    }
  }
  const watching = watch()

  return {
    isDown: () => outage !== undefined,
    isSuspect: () => errors > 0 || (giveUp !== undefined && ticks > times.suspectTicks),
    refusal,
    onDown(callback) {
      callbacks.add(callback)
      return () => void callbacks.delete(callback)
    },
    async stop() {
      ended.abort()
      clearInterval(ticking)
      giveUp?.()
      await watching
    },
  }
}

/** The outcome of the request may be unknown. Repeating it with the same id is safe either way. */
const advice = 'The request was not acknowledged; send it again, with the same event id or Idempotency-Key.'

class Silence extends Error {}
