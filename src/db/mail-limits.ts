import { createHash } from 'node:crypto'
import { RateLimiterPrisma } from 'rate-limiter-flexible'
import { z } from 'zod'
import { confirmationsPerDay, defaultEmailsPerHour } from '../domain/mail-limits.ts'
import type { Db } from './client.ts'

/** What holds mail back; counted in the database, so that it holds over all workers. Answers are in ms. */
export interface MailLimits {
  /** Counts mails for a tenant, all or none of them. Answers how long to wait where that would be too many in an hour. */
  take(tenantId: string, mails: number): Promise<{ perHour: number; waitMs: number } | undefined>
  /** Counts a request to confirm. Answers how long to wait where that would be too many in a day. */
  takeConfirmation(address: string): Promise<number | undefined>
  giveBackConfirmation(address: string): Promise<void>
  /** How long to wait for the next request to confirm. */
  confirmationWait(address: string): Promise<number | undefined>
}

const limits = z.object({ emailsPerHour: z.number().default(defaultEmailsPerHour) })

export function createMailLimits(db: Db): MailLimits {
  const mails = counter(db, 'mails', 3600)
  const confirmations = counter(db, 'confirmations', 24 * 3600)

  return {
    async take(tenantId, wanted) {
      const tenant = await db.tenant.findUnique({ where: { id: tenantId }, select: { limits: true } })
      const { emailsPerHour: perHour } = limits.parse(tenant?.limits ?? {})
      // One mail to more people than fit into an hour takes all of an hour.
      const waitMs = await take(mails, tenantId, Math.min(wanted, perHour), perHour)
      return waitMs === undefined ? undefined : { perHour, waitMs }
    },
    takeConfirmation: (address) => take(confirmations, keyOf(address), 1, confirmationsPerDay),
    async giveBackConfirmation(address) {
      await confirmations.reward(keyOf(address), 1)
    },
    async confirmationWait(address) {
      const state = await confirmations.get(keyOf(address))
      return state && state.consumedPoints >= confirmationsPerDay ? state.msBeforeNext : undefined
    },
  }
}

/** Each key may have a limit of its own, so that the counter itself has none. */
function counter(db: Db, keyPrefix: string, duration: number): RateLimiterPrisma {
  const points = Number.MAX_SAFE_INTEGER
  return new RateLimiterPrisma({
    storeClient: db,
    tableName: 'rateLimiterFlexible',
    keyPrefix,
    points,
    duration,
  })
}

/** What does not fit is not counted, or those who wait would use up what they wait for. */
async function take(
  counts: RateLimiterPrisma,
  key: string,
  points: number,
  limit: number,
): Promise<number | undefined> {
  const before = await counts.get(key)
  if (before && before.consumedPoints + points > limit) return before.msBeforeNext
  const after = await counts.consume(key, points)
  if (after.consumedPoints <= limit) return undefined
  await counts.reward(key, points)
  return after.msBeforeNext
}

/** No address is stored for being asked. */
function keyOf(address: string): string {
  return createHash('sha256').update(address).digest('hex')
}
