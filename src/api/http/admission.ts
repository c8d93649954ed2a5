import type { Log } from '../../log.ts'
import type { RefusalCode } from '../../metrics/api.ts'
import { createBacklog } from '../../temporal/slots/backlog.ts'
import { createFairSlots, type Release } from '../../temporal/slots/fair-slots.ts'
import { ApiError } from '../errors.ts'

/** A call that was not admitted. It does not count against the caller's rate limit. */
export class Refusal extends ApiError {}

export interface Started {
  /** True if the workflow starts on the worker in this process. */
  eagerlyStarted: boolean
  /** Set if the workflow had already been started. */
  duplicate?: true
}

/** Waits for a slot, then starts a workflow. */
export type StartInSlot = <Handle extends Started>(
  workflowId: string,
  start: () => Promise<Handle>,
) => Promise<Handle>

/**
 * Limits the number of accepted events to what the workers can attempt. An event holds one of the process's slots from before its
 * workflow starts until its first attempts are recorded or, if other processes make them, until it has started.
 */
export interface Admission {
  /** Makes a call that starts workflows for up to `events` events, or refuses it with 429 or 503 before anything is stored. */
  admit<Result>(
    tenantId: string,
    events: number,
    call: (startInSlot: StartInSlot) => Promise<Result>,
  ): Promise<Result>
  /** Reports that the worker in this process has recorded the first attempts of an event that was started eagerly. */
  eagerDone(): void
}

export interface AdmissionLimits {
  /** Maximum number of events that are being started and attempted at once. */
  slots: number
  /** Maximum number of events waiting for a slot. A tenant is refused while it has as many waiting as are still free. */
  maxWaiting: number
  /**
   * Maximum time that a tenant's events may wait for a worker, and by which timers and later attempts may be late because of the
   * tenant. Beyond it, further events are refused.
   */
  maxBacklogMs: number
}

/**
 * Maximum time that a caller waits for a slot before it is refused. A batch may already be accepted in part, so it gets more time.
 */
const patienceMs = { one: 5_000, batch: 8_000 }
/** Beyond this number of refusals per second, callers are told to come back later than in one second. */
const maxReturningPerSecond = 50

/** The number of slots if other processes make the attempts. A slot is then held until Temporal has answered. */
export const slotsOfApi = 64
export const maxWaitingEvents = 256

export interface AdmissionDeps {
  /** Called for every refusal. */
  onRefused?: (code: RefusalCode) => void
  /** Returns whether a worker has begun the workflow. */
  hasBegun: (workflowId: string) => Promise<boolean>
  /** Returns how late the workers' tasks are because of the tenant (ms). */
  lagOf: (tenantId: string) => number
  log: Log
}

export function createAdmission(
  { hasBegun, lagOf, onRefused, log }: AdmissionDeps,
  { slots, maxWaiting, maxBacklogMs }: AdmissionLimits,
): Admission {
  const fairSlots = createFairSlots(slots)
  const room = createRoom(maxWaiting)
  const backlog = createBacklog(hasBegun)
  const retryAfter = createRetryAfter()
  const eager = createEagerHolds()

  function refusal(code: RefusalCode, detail: string): Refusal {
    onRefused?.(code)
    const seconds = String(retryAfter())
    return new Refusal(code, `${detail} Try again in ${seconds} s.`, { headers: { 'Retry-After': seconds } })
  }

  /** Returns the function that leaves the room. */
  function enterRoom(tenantId: string, weight: number): () => void {
    if (room.isFull()) throw refusal('overloaded', tooMany)
    if (room.isShareOver(tenantId))
      throw refusal(
        'rate_limited',
        'This tenant is sending more than its share of the current delivery capacity.',
      )
    return room.enter(tenantId, weight)
  }

  async function isBehind(tenantId: string): Promise<boolean> {
    try {
      return await backlog.isOlderThan(tenantId, maxBacklogMs)
    } catch (err) {
      // Temporal does not answer or not in time, so it is overloaded already.
      log.warn({ err, tenantId }, 'backlog.not-known')
      return true
    }
  }

  async function takeWithin(tenantId: string, forMs: number): Promise<Release | undefined> {
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(), forMs)
    const release = await fairSlots.take(tenantId, patience.signal)
    clearTimeout(timer)
    return release
  }

  async function startWith<Handle extends Started>(
    release: Release,
    start: () => Promise<Handle>,
  ): Promise<Handle> {
    try {
      const handle = await start()
      if (handle.eagerlyStarted) eager.hold(release)
      else release()
      return handle
    } catch (error) {
      release()
      throw error
    }
  }

  return {
    eagerDone: () => eager.done(),
    async admit(tenantId, events, call) {
      const isBatch = events > 1
      // The events of a batch wait longer for their slots, so each weighs less and fewer are refused at once.
      const leave = enterRoom(tenantId, Math.ceil(events / 4))
      try {
        if (await isBehind(tenantId))
          throw refusal('overloaded', 'Earlier events of this tenant are still waiting for a worker.')
        if (lagOf(tenantId) > maxBacklogMs)
          throw refusal('overloaded', 'Retries and rule steps are late because of the load of this tenant.')
        return await call(async (workflowId, start) => {
          const release = await takeWithin(tenantId, isBatch ? patienceMs.batch : patienceMs.one)
          if (!isBatch) leave()
          if (!release) throw refusal('overloaded', tooMany)
          const handle = await startWith(release, start)
          if (!handle.eagerlyStarted && !handle.duplicate) backlog.add(tenantId, workflowId)
          return handle
        })
      } finally {
        leave()
      }
    },
  }
}

/** A first task that is not done within this time has timed out, and any worker that polls may take it. */
const maxHoldMs = 15_000

/**
 * Releases one slot per finished event, no matter which event it was. An event may finish before the call that started it returns.
 */
function createEagerHolds() {
  const held = new Map<Release, NodeJS.Timeout>()
  let early = 0

  function letGo(release: Release): void {
    clearTimeout(held.get(release))
    held.delete(release)
    release()
  }

  return {
    hold(release: Release): void {
      if (early > 0) {
        early--
        return release()
      }
      held.set(release, setTimeout(() => letGo(release), maxHoldMs).unref())
    },
    done(): void {
      const [release] = held.keys()
      if (release) letGo(release)
      else early++
    },
  }
}

const tooMany = 'More events are arriving than can currently be delivered.'

/** The waiting room. A tenant never takes up more of it than is left, so that other tenants always find room. */
function createRoom(max: number) {
  const taken = new Map<string, number>()
  let inAll = 0
  return {
    isFull: () => inAll >= max,
    isShareOver: (tenantId: string) => (taken.get(tenantId) ?? 0) >= max - inAll,
    /** Returns the function that leaves the room. Calling it again has no effect. */
    enter(tenantId: string, weight: number): () => void {
      change(weight)
      let left = false
      return () => {
        if (!left) change(-weight)
        left = true
      }

      function change(by: number): void {
        inAll += by
        const own = (taken.get(tenantId) ?? 0) + by
        if (own > 0) taken.set(tenantId, own)
        else taken.delete(tenantId)
      }
    },
  }
}

/**
 * Returns the number of seconds after which a refused caller may come back. It grows with the refusals of the current second, so
 * that refusals stay cheap.
 */
function createRetryAfter(): () => number {
  let [since, refused] = [0, 0]
  return () => {
    if (Date.now() - since > 1_000) [since, refused] = [Date.now(), 0]
    return 1 + Math.floor(refused++ / maxReturningPerSecond)
  }
}
