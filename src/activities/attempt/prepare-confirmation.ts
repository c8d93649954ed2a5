import { findChannel } from '../../channels/index.ts'
import type { MailLimits } from '../../db/limits/mail-limits.ts'
import { confirmWithinMs } from '../../domain/email/link.ts'
import type { Event } from '../../domain/event.ts'
import type { AttemptResult } from '../../domain/delivery/outcome.ts'
import { toRecipient, findRecipientToAsk } from './audience.ts'
import { holdConfirmation } from './hold-mail.ts'
import type { ActivityDeps } from '../deps.ts'
import type { PreparedAttempt } from './prepare.ts'
import type { Target } from '../target.ts'

const withoutLinks: AttemptResult = {
  kind: 'held',
  by: 'slot',
  reason: 'confirmation links need PUBLIC_URL, which the operator has not set',
  retryInMs: 3600_000,
}

/**
 * Prepares the mail that asks a recipient to confirm. It always goes through the platform's server: the operator of a tenant's
 * own server would see the link and could confirm for others. Paused destinations send it as well.
 */
export async function prepareConfirmation(
  deps: ActivityDeps & { mailLimits: MailLimits },
  event: Event,
  target: Target,
  { address, attempt }: { address: string; attempt: number },
): Promise<PreparedAttempt | AttemptResult> {
  const { db, emailLinks, mailLimits } = deps
  const channel = findChannel(target.channel)
  const asked = await findRecipientToAsk(deps, channel, target, address)
  if ('skip' in asked) return asked.skip
  if (!emailLinks) return withoutLinks
  const { id, name, tenantId, environment } = target
  const tenant = await db.tenant.findUniqueOrThrow({ where: { id: tenantId }, select: { name: true } })
  const until = new Date(Date.now() + confirmWithinMs)
  const since = asked.recipient.statusAt.getTime()
  const confirmUrl = emailLinks.confirm({ destinationId: id, address, since, expiresAt: until.getTime() })
  const request = { tenant: tenant.name, destination: name, environment, address, until, confirmUrl }
  const { config, content } = asked.people.confirmation(request)
  const byPlatform = { ...target, config }
  const held = await holdConfirmation(mailLimits, channel, byPlatform, { address, attempt })
  if (held) return held
  return {
    channel,
    target: byPlatform,
    keys: { secrets: [] },
    composition: { event, destination: { id, name } },
    rendered: { content },
    audience: { recipients: [toRecipient(deps, target, { address })] },
  }
}
