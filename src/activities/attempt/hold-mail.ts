import type { Channel } from '../../channels/channel.ts'
import type { MailLimits } from '../../db/limits/mail-limits.ts'
import { confirmationLimitText } from '../../domain/email/mail-limits.ts'
import type { AttemptResult } from '../../domain/delivery/outcome.ts'
import type { Target } from '../target.ts'

type Held = AttemptResult & { kind: 'held' }
type Skipped = AttemptResult & { kind: 'skipped' }

/** Spreads the retries of mails that wait for the same hour. */
const spreadMs = 60_000

/**
 * Returns why mail must not be sent yet. Mail through the platform's server is limited per tenant and hour, because all tenants
 * share its reputation. Mail through a tenant's own server is not limited.
 */
export async function holdMail(
  limits: MailLimits,
  channel: Channel | undefined,
  { tenantId, config }: Pick<Target, 'tenantId' | 'config'>,
  mails: number,
): Promise<Held | undefined> {
  if (mails === 0 || !channel?.people?.viaPlatform(config)) return undefined
  const over = await limits.take(tenantId, mails)
  if (!over) return undefined
  const { perHour, waitMs } = over
  return held(`email limit: at most ${perHour} ${perHour === 1 ? 'mail' : 'mails'} per hour`, waitMs)
}

/**
 * The same for a confirmation request. A mailbox gets a few a day. Requests beyond that are skipped instead of postponed, because
 * they would use up the quota of the following days. Only the first attempt of a request counts.
 */
export async function holdConfirmation(
  limits: MailLimits,
  channel: Channel | undefined,
  target: Pick<Target, 'tenantId' | 'environment' | 'config'>,
  { address, attempt }: { address: string; attempt: number },
): Promise<Held | Skipped | undefined> {
  const limit = attempt === 1 ? await limits.takeConfirmation(target, address) : undefined
  if (limit) return { kind: 'skipped', reason: `not sent: ${confirmationLimitText(limit.perDay)}` }
  const over = await holdMail(limits, channel, target, 1)
  if (over && attempt === 1) await limits.giveBackConfirmation(target, address)
  return over
}

function held(reason: string, waitMs: number): Held {
  return { kind: 'held', by: 'slot', reason, retryInMs: waitMs + Math.round(Math.random() * spreadMs) }
}
