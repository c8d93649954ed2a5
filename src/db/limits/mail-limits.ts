import { createHash } from 'node:crypto'
import { RateLimiterPrisma } from 'rate-limiter-flexible'
import { z } from 'zod'
import { confirmationsPerDay, defaultEmailsPerHour } from '../../domain/email/mail-limits.ts'
import { mailboxKey } from '../../domain/email/mailbox.ts'
import type { Db } from '../client.ts'
import type { Scope } from '../destinations/destinations.ts'

/** The limits on mail, counted in the database so that they hold across workers. Waits are in ms. */
export interface MailLimits {
  /** Counts mails for a tenant, all or none. Returns how long to wait if the hourly limit would be exceeded. */
  take(tenantId: string, mails: number): Promise<{ perHour: number; waitMs: number } | undefined>
  /** Counts a confirmation request. Returns the limit that it would exceed. */
  takeConfirmation(scope: Scope, address: string): Promise<ConfirmationLimit | undefined>
  giveBackConfirmation(scope: Scope, address: string): Promise<void>
  /** The limit that the next request to confirm would exceed. */
  confirmationLimit(scope: Scope, address: string): Promise<ConfirmationLimit | undefined>
}

/** The number of confirmation requests per mailbox and day, and when the next one may be sent. */
interface ConfirmationLimit {
  perDay: number
  waitMs: number
}

const limits = z.object({ emailsPerHour: z.number().default(defaultEmailsPerHour) })

export function createMailLimits(db: Db): MailLimits {
  const mails = counter(db, 'mails', 3600)
  const confirmations = counter(db, 'confirmations', 24 * 3600)
  const confirmationCounts = ({ tenantId, environment }: Scope, address: string) => [
    {
      key: counterKey(`${tenantId}/${environment}/${mailboxKey(address)}`),
      perDay: confirmationsPerDay.byTenant,
    },
    { key: counterKey(mailboxKey(address)), perDay: confirmationsPerDay.inAll },
  ]
  const giveBack = (counts: readonly { key: string }[]) =>
    Promise.all(counts.map(({ key }) => confirmations.reward(key, 1)))

  return {
    async take(tenantId, wanted) {
      const tenant = await db.tenant.findUnique({ where: { id: tenantId }, select: { limits: true } })
      const { emailsPerHour: perHour } = limits.parse(tenant?.limits ?? {})
      // A mail to more people than the hourly limit takes the whole hour.
      const waitMs = await take(mails, tenantId, Math.min(wanted, perHour), perHour)
      return waitMs === undefined ? undefined : { perHour, waitMs }
    },
    async takeConfirmation(scope, address) {
      const counts = confirmationCounts(scope, address)
      for (const [index, { key, perDay }] of counts.entries()) {
        const waitMs = await take(confirmations, key, 1, perDay)
        if (waitMs === undefined) continue
        await giveBack(counts.slice(0, index))
        return { perDay, waitMs }
      }
      return undefined
    },
    async giveBackConfirmation(scope, address) {
      await giveBack(confirmationCounts(scope, address))
    },
    async confirmationLimit(scope, address) {
      for (const { key, perDay } of confirmationCounts(scope, address)) {
        const state = await confirmations.get(key)
        if (state && state.consumedPoints >= perDay) return { perDay, waitMs: state.msBeforeNext }
      }
      return undefined
    },
  }
}

/** Keys may have different limits, so the counter itself has none. */
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

/** A refused request is not counted, or waiting senders would use up the quota that they wait for. */
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
function counterKey(address: string): string {
  return createHash('sha256').update(address).digest('hex')
}
