import { LRUCache } from 'lru-cache'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { z } from 'zod'
import type { CallCounters, CallWindow, WindowState } from '../../domain/limits/call-counters.ts'
import { returnTo, takeFrom, type IngestBucket } from '../../domain/limits/ingest-bucket.ts'
import { defaultEmailsPerHour } from '../../domain/email/mail-limits.ts'
import { ApiError } from '../errors.ts'
import type { Caller, TenantCaller } from './caller.ts'

/** A tenant's limits. Source: the Smart KYC document. */
export const tenantLimits = z
  .strictObject({
    apiPerMinute: z.int().min(1).max(100_000).default(100),
    apiBurst: z.int().min(1).max(100_000).default(200),
    ingestPerSecond: z.int().min(1).max(100_000).default(100),
    emailsPerHour: z.int().min(1).max(1_000_000).default(defaultEmailsPerHour),
  })
  .meta({ id: 'TenantLimits' })

/** All keys of a tenant together have this many times the limit of one key, so that calls do not grow with the number of keys. */
const keysPerTenant = 3

export interface RateLimits {
  /**
   * Counts a management call for its key and its tenant. Returns the rate limit headers, or throws 429; a refused call is not
   * counted. The platform key is not limited.
   */
  countCall(caller: Caller): Promise<Record<string, string>>
  /** Undoes `countCall` for a call that was refused for another reason. */
  refundCall(caller: Caller): Promise<void>
  /**
   * Takes events from the tenant's ingest limit. Returns the rate limit headers, or throws 429. With 0 events it only checks the
   * limit.
   */
  takeEvents(caller: Caller, events: number): Promise<Record<string, string>>
  /** Returns events that were taken but not accepted. */
  returnEvents(caller: Caller, events: number): Promise<void>
}

export function createRateLimits(counters: CallCounters = createMemoryCounters()): RateLimits {
  return {
    async countCall(caller) {
      if (caller.kind === 'platform') return {}
      const windows = windowsFor(caller)
      const states = await counters.countCall(windows)
      const headers = {
        'RateLimit-Policy': windows
          .map(({ name, max, seconds }) => `"${name}";q=${max};w=${seconds}`)
          .join(', '),
        RateLimit: windows
          .map(
            ({ name, max }, at) =>
              `"${name}";r=${max - (states[at]?.calls ?? 0)};t=${secondsLeft(states[at])}`,
          )
          .join(', '),
      }
      const full = states.findIndex((state) => state.full)
      const window = windows[full]
      if (!window) return headers
      const retryAfterSeconds = secondsLeft(states[full])
      const whose = window.name.startsWith('tenant') ? 'All keys of this tenant together are' : 'This key is'
      throw tooMany(
        `${whose} limited to ${window.max} requests per ${window.seconds} s; try again in ${retryAfterSeconds} s.`,
        retryAfterSeconds,
        headers,
      )
    },
    async takeEvents(caller, events) {
      if (caller.kind === 'platform') return {}
      const { tenantId, limits } = caller
      const { ingestPerSecond: perSecond } = limits
      const verdict = await counters.takeEvents({ tenantId, perSecond, events })
      const policy = { 'RateLimit-Policy': `"ingest";q=${perSecond};w=1` }
      if (verdict.accepted) return { ...policy, RateLimit: `"ingest";r=${verdict.left};t=1` }
      const retryAfterSeconds = Math.max(1, Math.ceil(verdict.retryAfterMs / 1000))
      throw tooMany(
        `This tenant can send at most ${perSecond} events per second; no event was accepted. Try again in ${retryAfterSeconds} s.`,
        retryAfterSeconds,
        { ...policy, RateLimit: `"ingest";r=0;t=${retryAfterSeconds}` },
      )
    },
    async refundCall(caller) {
      if (caller.kind === 'tenant') await counters.refundCall(windowsFor(caller))
    },
    async returnEvents(caller, events) {
      if (caller.kind === 'platform' || events === 0) return
      const { tenantId, limits } = caller
      await counters.returnEvents({ tenantId, perSecond: limits.ingestPerSecond, events })
    },
  }
}

const sustainedMinutes = 5

function windowsFor({ limits, tenantId, keyId }: TenantCaller): (CallWindow & { name: string })[] {
  const sustained = Math.max(limits.apiPerMinute * sustainedMinutes, limits.apiBurst)
  const both = [
    { name: 'burst', max: limits.apiBurst, seconds: 60 },
    { name: 'sustained', max: sustained, seconds: sustainedMinutes * 60 },
  ]
  return [
    ...both.map((window) => ({ ...window, key: `${window.name}:${keyId}` })),
    ...both.map(({ name, max, seconds }) => ({
      name: `tenant-${name}`,
      max: max * keysPerTenant,
      seconds,
      key: `${name}:${tenantId}`,
    })),
  ]
}

/** Counters for the all-in-one, which has a single API process. */
export function createMemoryCounters(): CallCounters {
  const limiters = new Map<string, RateLimiterMemory>()
  const buckets = new LRUCache<string, IngestBucket>({ max: 100_000 })

  function limiterFor({ key, max, seconds }: CallWindow): RateLimiterMemory {
    const keyPrefix = `${key.slice(0, key.indexOf(':'))}/${max}`
    const limiter =
      limiters.get(keyPrefix) ?? new RateLimiterMemory({ points: max, duration: seconds, keyPrefix })
    limiters.set(keyPrefix, limiter)
    return limiter
  }

  return {
    async countCall(windows) {
      const counted = await Promise.all(
        windows.map(async (window) => {
          const state = await countIn(limiterFor(window), window.key)
          return { window, state, full: state.consumedPoints > window.max }
        }),
      )
      const refused = counted.some(({ full }) => full)
      if (refused) await Promise.all(counted.map(({ window }) => limiterFor(window).reward(window.key)))
      return counted.map(({ state, full }) => ({
        calls: state.consumedPoints - (refused ? 1 : 0),
        leftMs: state.msBeforeNext,
        full,
      }))
    },
    async refundCall(windows) {
      await Promise.all(windows.map((window) => limiterFor(window).reward(window.key)))
    },
    takeEvents({ tenantId, ...asked }) {
      const bucket = buckets.get(tenantId) ?? { paidAtMs: 0, promisedAtMs: 0 }
      const verdict = takeFrom(bucket, { ...asked, nowMs: Date.now() })
      buckets.set(tenantId, verdict.bucket)
      return Promise.resolve(verdict)
    },
    returnEvents({ tenantId, ...returned }) {
      const bucket = buckets.get(tenantId)
      if (bucket) buckets.set(tenantId, returnTo(bucket, returned))
      return Promise.resolve()
    },
  }
}

/** Counts a call and returns the limiter's state. A full limiter rejects with its state instead of an error. */
function countIn(limiter: RateLimiterMemory, key: string): Promise<RateLimiterRes> {
  return limiter.consume(key).catch((state: unknown) => {
    if (state instanceof RateLimiterRes) return state
    throw state
  })
}

function secondsLeft(state: Pick<WindowState, 'leftMs'> | undefined): number {
  return Math.max(1, Math.ceil((state?.leftMs ?? 0) / 1000))
}

function tooMany(detail: string, retryAfterSeconds: number, headers: Record<string, string>): ApiError {
  return new ApiError('rate_limited', detail, {
    headers: { ...headers, 'Retry-After': String(retryAfterSeconds) },
  })
}

/** Counts calls by a key of the caller's choice, and throws 429 beyond the limit. */
export function countBy({
  points,
  seconds,
}: {
  points: number
  seconds: number
}): (key: string) => Promise<void> {
  const limiter = new RateLimiterMemory({ points, duration: seconds })
  return async (key) => {
    const state = await countIn(limiter, key)
    if (state.consumedPoints <= points) return
    const retryAfterSeconds = secondsLeft({ leftMs: state.msBeforeNext })
    throw tooMany(
      `The limit is ${points} requests per ${seconds} s; try again in ${retryAfterSeconds} s.`,
      retryAfterSeconds,
      {},
    )
  }
}
