import type { Channel, Recipient } from '../../channels/channel.ts'
import type { Composition } from '../../templates/composition.ts'
import { secretValues } from '../../channels/secrets.ts'
import type { Content } from '../../templates/field.ts'
import type { Outcome, SettledRecipients } from '../../domain/delivery/outcome.ts'
import { withoutSecrets } from '../../domain/redaction/redaction.ts'
import type { SigningKeys } from '../../domain/crypto/signing-keys.ts'
import type { ActivityDeps } from '../deps.ts'
import { faultText, type Rendered } from './render.ts'
import type { Target } from '../target.ts'

/** A message and the parameters for sending it. */
export interface SendRequest {
  composition: Composition
  content?: Content
  target: Target
  keys: SigningKeys | undefined
  attempt: number
  sentAt: Date
  timeoutMs: number
  /** See `Message`. */
  recipients?: readonly Recipient[]
  settled?: SettledRecipients
}

/**
 * Sends the rendered message. If the receiver rejects its content, sends the default message once instead, so that no message is
 * lost to a template.
 */
export async function sendRendered(
  deps: ActivityDeps,
  channel: Channel | undefined,
  sending: SendRequest,
  { content, ...made }: Rendered,
): Promise<{ outcome: Outcome } & Omit<Rendered, 'content'>> {
  const startedAt = performance.now()
  const outcome = await send(deps, channel, { ...sending, content })
  if (!content || outcome.kind !== 'rejected' || !outcome.refusedContent) return { outcome, ...made }
  const templateFault = faultText(`the receiver rejected the rendered message: ${outcome.error}`)
  const timeoutMs = Math.max(1, Math.round(sending.timeoutMs - (performance.now() - startedAt)))
  return { outcome: await send(deps, channel, { ...sending, timeoutMs }), ...made, templateFault }
}

async function send(
  deps: ActivityDeps,
  channel: Channel | undefined,
  { target, keys, composition, ...message }: SendRequest,
): Promise<Outcome> {
  if (!channel)
    return {
      kind: 'failed',
      errorClass: 'internal',
      error: `this worker does not support the channel "${target.channel}"`,
    }
  if (!keys)
    return {
      kind: 'failed',
      errorClass: 'setup',
      error: 'not sent: the tenant has no API secret to sign with',
    }
  if (isElsewhere(channel, target))
    return {
      kind: 'failed',
      errorClass: 'setup',
      error: `not sent: the destination’s secrets were stored for ${target.sealedOrigin}`,
    }
  const { id, name, config, subscription } = target
  try {
    const destination = { id, name, config, keys, eventTypes: subscription.eventTypes }
    const outcome = await channel.send({ ...composition, ...message, destination }, deps.context)
    return redactOutcome(outcome, secretValues(channel, { config, keys }))
  } catch (err) {
    // Channels do not throw. If one does, the message may have been sent, so this counts as an attempt.
    const text = err instanceof Error ? (err.stack ?? err.message) : String(err)
    const error = withoutSecrets(text, secretValues(channel, { config, keys }))
    const { event } = composition
    deps.log.error({ error, channel: channel.name, destinationId: id, eventId: event.id }, 'channel.threw')
    return {
      kind: 'failed',
      errorClass: 'internal',
      error: 'internal error; the message may or may not have arrived',
    }
  }
}

/** The API never sends stored secrets to a changed URL. This check covers rows that were changed in other ways. */
function isElsewhere(channel: Channel, { config, sealedOrigin }: Target): boolean {
  return sealedOrigin !== undefined && channel.origin(config) !== sealedOrigin
}

/** A response may echo the request, including its secrets. */
function redactOutcome(outcome: Outcome, secrets: string[]): Outcome {
  const { responseExcerpt } = outcome
  return {
    ...outcome,
    ...(responseExcerpt !== undefined && { responseExcerpt: withoutSecrets(responseExcerpt, secrets) }),
    ...(outcome.kind !== 'delivered' && { error: withoutSecrets(outcome.error, secrets) }),
  }
}
