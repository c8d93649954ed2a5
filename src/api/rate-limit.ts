import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { z } from 'zod'
import { defaultEmailsPerHour } from '../domain/mail-limits.ts'
import { ApiError } from './errors.ts'
import type { Caller, TenantCaller } from './route.ts'

/** A tenant's limits. Management calls count per key, ingest and emails per tenant. Source: DESIGN §5, seed document 004. */
export const tenantLimits = z.strictObject({
  apiPerMinute: z.int().min(1).max(100_000).default(100),
  apiBurst: z.int().min(1).max(100_000).default(200),
  ingestPerSecond: z.int().min(1).max(100_000).default(100),
  emailsPerHour: z.int().min(1).max(1_000_000).default(defaultEmailsPerHour),
})

/** `ingest` counts events of a tenant by the second, `management` counts other calls of a key by the minute. */
export type Budget = 'ingest' | 'management'

export interface RateLimits {
  /** Counts calls (or events) and answers with the headers that say what is left, or throws 429. The platform key is not limited. */
  consume(caller: Caller, budget: Budget, points?: number): Promise<Record<string, string>>
}

interface Allowance {
  name: string
  points: number
  seconds: number
  key: string
}

/** Counters in memory: the limits hold for each API process by itself. */
export function createRateLimits(): RateLimits {
  const counters = new Map<string, RateLimiterMemory>()

  function counterOf({ name, points, seconds }: Allowance): RateLimiterMemory {
    const keyPrefix = `${name}/${points}`
    const counter = counters.get(keyPrefix) ?? new RateLimiterMemory({ points, duration: seconds, keyPrefix })
    counters.set(keyPrefix, counter)
    return counter
  }

  return {
    async consume(caller, budget, points = 1) {
      if (caller.kind === 'platform' || points === 0) return {}
      const allowances = allowancesOf(caller, budget)
      const results = await Promise.all(
        // A counter that is used up rejects with its result instead of an error.
        allowances.map((allowance) =>
          counterOf(allowance)
            .consume(allowance.key, points)
            .catch((result: unknown) => result),
        ),
      )
      const states = results.filter((result) => result instanceof RateLimiterRes)
      const exceeded = states.findIndex(
        (state, at) => state.consumedPoints > (allowances[at]?.points ?? Infinity),
      )
      const [allowance, state] = [allowances[exceeded], states[exceeded]]
      const headers = {
        'RateLimit-Policy': allowances
          .map(({ name, points, seconds }) => `"${name}";q=${points};w=${seconds}`)
          .join(', '),
        RateLimit: states
          .map((state, at) => `"${allowances[at]?.name}";r=${state.remainingPoints};t=${secondsLeft(state)}`)
          .join(', '),
      }
      if (allowance && state) throw tooMany(allowance, secondsLeft(state), headers)
      return headers
    },
  }
}

const sustainedMinutes = 5

function allowancesOf({ limits, tenantId, keyId }: TenantCaller, budget: Budget): Allowance[] {
  if (budget === 'ingest') {
    return [{ name: 'ingest', points: limits.ingestPerSecond, seconds: 1, key: tenantId }]
  }
  const sustained = Math.max(limits.apiPerMinute * sustainedMinutes, limits.apiBurst)
  return [
    { name: 'burst', points: limits.apiBurst, seconds: 60, key: keyId },
    { name: 'sustained', points: sustained, seconds: sustainedMinutes * 60, key: keyId },
  ]
}

function secondsLeft({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1000))
}

function tooMany(
  { points, seconds }: Pick<Allowance, 'points' | 'seconds'>,
  retryAfterSeconds: number,
  headers: Record<string, string>,
): ApiError {
  const detail = `At most ${points} calls in ${seconds} s are taken; try again in ${retryAfterSeconds} s.`
  return new ApiError('rate_limited', detail, {
    headers: { ...headers, 'Retry-After': String(retryAfterSeconds) },
  })
}

/** Counts calls by some key of theirs, and throws 429 once there are too many. */
export function countBy(allowance: Pick<Allowance, 'points' | 'seconds'>): (key: string) => Promise<void> {
  const counter = new RateLimiterMemory({ points: allowance.points, duration: allowance.seconds })
  return async (key) => {
    try {
      await counter.consume(key)
    } catch (state) {
      if (state instanceof RateLimiterRes) throw tooMany(allowance, secondsLeft(state), {})
      throw state
    }
  }
}
