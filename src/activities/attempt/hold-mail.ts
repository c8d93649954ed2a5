import type { Channel } from '../../channels/channel.ts'
import type { MailLimits } from '../../db/limits/mail-limits.ts'
import { confirmationLimitText } from '../../domain/email/mail-limits.ts'
import type { AttemptResult } from '../../domain/delivery/outcome.ts'
import type { Target } from '../target.ts'

type Held = AttemptResult & { kind: 'held' }
type Skipped = AttemptResult & { kind: 'skipped' }

/** Those that wait for the same hour do not all come back in the same second. */
const spreadMs = 60_000

/**
 * Why mail must not be sent yet: what the platform's server sends for a tenant in an hour is limited, as its good name is everybody's.
 * By servers of their own tenants send as much as those let them.
 */
export async function holdMail(
  limits: MailLimits,
  channel: Channel | undefined,
  { tenantId, config }: Pick<Target, 'tenantId' | 'config'>,
  mails: number,
): Promise<Held | undefined> {
  if (mails === 0 || !channel?.viaPlatform(config)) return undefined
  const over = await limits.take(tenantId, mails)
  if (!over) return undefined
  const { perHour, waitMs } = over
  return held(`email limit: at most ${perHour} ${perHour === 1 ? 'mail' : 'mails'} per hour`, waitMs)
}

/**
 * Likewise of a request to confirm. A mailbox gets a few a day, and those beyond are not sent later: they would fill its next days.
 * Later attempts of the same request were counted by the first one.
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
