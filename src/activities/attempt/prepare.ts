import type { Channel } from '../../channels/channel.ts'
import type { Composition } from '../../templates/composition.ts'
import { findChannel } from '../../channels/index.ts'
import type { MailLimits } from '../../db/limits/mail-limits.ts'
import { whyInactive } from '../../domain/destination.ts'
import type { Event } from '../../domain/event.ts'
import type { AttemptResult } from '../../domain/delivery/outcome.ts'
import type { SigningKeys } from '../../domain/crypto/signing-keys.ts'
import type { AttemptRequest } from './request.ts'
import { findAudience, type Audience } from './audience.ts'
import { describeMessage } from './describe-message.ts'
import { holdBack } from './hold-back.ts'
import { holdMail } from './hold-mail.ts'
import type { ActivityDeps } from '../deps.ts'
import { renderTemplate, type Rendered } from './render.ts'
import { signingKeys, type Target } from '../target.ts'

/** A prepared attempt: nothing holds it back. */
export interface PreparedAttempt {
  channel: Channel | undefined
  target: Target
  keys: SigningKeys | undefined
  composition: Composition
  rendered: Rendered
  audience?: Audience
}

/** Prepares an event's message, or returns why it is not sent, or not yet. */
export async function prepareMessage(
  deps: ActivityDeps & { mailLimits: MailLimits },
  event: Event,
  target: Target,
  request: AttemptRequest,
): Promise<PreparedAttempt | AttemptResult> {
  const inactive = event.test ? undefined : whyInactive(target)
  if (inactive !== undefined) return { kind: 'skipped', reason: inactive, missed: true }
  const channel = findChannel(target.channel)
  const audience = await findAudience(deps, channel, target, request.settled)
  if (audience && 'kind' in audience) return audience
  const held = event.test ? undefined : await holdBack(deps, target, request)
  if (held) return held
  const over = await holdMail(deps.mailLimits, channel, target, audience?.recipients.length ?? 0)
  // Nobody waits for a test.
  if (over) return event.test ? { kind: 'skipped', reason: over.reason } : over
  const keys = channel && (await signingKeys(deps, channel, target))
  const composition = await describeMessage(
    deps,
    channel,
    createComposition(deps, event, target, request),
    request,
  )
  const rendered = await render(deps, channel, composition, request)
  return { channel, target, keys, composition, rendered, audience }
}

/** The message's input, with the acknowledgement link if the rule waits for an acknowledgement. */
function createComposition(
  { acknowledgeLink }: ActivityDeps,
  event: Event,
  { id, name }: Target,
  { acknowledgeable, step }: AttemptRequest,
): Composition {
  const acknowledgeUrl = acknowledgeable ? acknowledgeLink?.({ event, destinationId: id }) : undefined
  return { event, destination: { id, name }, step, acknowledgeUrl }
}

async function render(
  deps: ActivityDeps,
  channel: Channel | undefined,
  composition: Composition,
  { template }: AttemptRequest,
): Promise<Rendered> {
  return channel && template !== undefined ? renderTemplate(deps, channel, composition, template) : {}
}
