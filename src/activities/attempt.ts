import { activityInfo, getClient } from '@temporalio/activity'
import type { Channel, Composition } from '../channels/channel.ts'
import { findChannel } from '../channels/index.ts'
import { secretValues } from '../channels/secrets.ts'
import type { Content } from '../channels/template-field.ts'
import { readApiSecrets } from '../db/api-secrets.ts'
import { findDestination, ownSigningKeys, type Destination } from '../db/destinations.ts'
import { expiryMs, type Event } from '../domain/event.ts'
import type { AttemptResult, Outcome } from '../domain/outcome.ts'
import type { Place } from '../domain/pace.ts'
import { withoutSecrets } from '../domain/redaction.ts'
import type { SigningKeys } from '../domain/signing-keys.ts'
import { readEventInput } from '../temporal/event-input.ts'
import { urlUnderTest } from '../workflows/contract.ts'
import { noteOutcome } from './health.ts'
import { holdBack } from './hold-back.ts'
import type { ActivityDeps } from './index.ts'
import { faultText, renderTemplate, type Rendered } from './render.ts'

/** One attempt to make. It names the destination; what is secret is loaded here and never enters history. */
export interface AttemptRequest {
  destinationId: string
  number: number
  timeoutMs: number
  /** The place in the destination's pace that is kept for it. */
  place?: Place | undefined
  /** Of a test at a URL that no destination has. */
  url?: string | undefined
  /** Id of the template that the message is made of. */
  template?: string | undefined
  /** The message tells how to acknowledge the event. */
  acknowledgeable?: true | undefined
}

export interface AttemptsRequest {
  event: Event
  requests: AttemptRequest[]
}

/** An attempt that took this share of its timeout marks its destination as slow. */
const slowShare = 0.5

/**
 * The attempt activities. They classify what happened and never retry. They throw only when nothing was sent and the
 * fault is ours: the workflow then asks again without using up an attempt.
 */
export function createAttempts(deps: ActivityDeps) {
  const { lanes } = deps

  /**
   * The attempts that an event opens with, side by side; answers in their order. As a local activity: the event is at hand, and
   * a local activity's input is not written to history.
   */
  function attemptEach({ event, requests }: AttemptsRequest): Promise<AttemptResult[]> {
    return Promise.all(
      requests.map((request) =>
        attemptFirst({ ...request, event }).catch((error) => unavailable(deps, error)),
      ),
    )
  }

  /** Likewise of one: what workflows ask for that began when each first attempt was an activity of its own. */
  async function attemptFirst({
    event,
    ...request
  }: AttemptRequest & { event: Event }): Promise<AttemptResult> {
    const reason = lanes.deferral(laneOf(request))
    return reason ? { kind: 'deferred', reason } : makeAttempt(deps, event, request)
  }

  async function attempt(request: AttemptRequest): Promise<AttemptResult> {
    const reason = lanes.deferral(laneOf(request))
    return reason ? { kind: 'deferred', reason } : attemptAnyway(request)
  }

  async function attemptAnyway(request: AttemptRequest): Promise<AttemptResult> {
    const { workflowExecution } = activityInfo()
    if (!workflowExecution) throw new Error('an attempt is made for a workflow only')
    const { workflowId, runId } = workflowExecution
    const { event } = await readEventInput(getClient(), workflowId, runId)
    return makeAttempt(deps, event, request)
  }

  return { attemptEach, attemptFirst, attempt, attemptAnyway }
}

function unavailable({ log }: ActivityDeps, err: unknown): AttemptResult {
  log.error({ err }, 'attempt.unavailable')
  return { kind: 'unavailable', error: String(err) }
}

async function makeAttempt(
  deps: ActivityDeps,
  event: Event,
  request: AttemptRequest,
): Promise<AttemptResult> {
  if (Date.now() >= expiryMs(event)) return { kind: 'expired' }
  const target = await findTarget(deps, event, request)
  if (!target) return { kind: 'skipped', reason: 'the destination was deleted' }
  if (target.status !== 'active' && !event.test)
    return { kind: 'skipped', reason: inactive(target), missed: true }
  const held = event.test ? undefined : await holdBack(deps, target, request.place)
  if (held) return held
  const channel = findChannel(target.channel)
  const keys = channel && (await signingKeys(deps, channel, target))
  const composition = compositionOf(deps, event, target, request)
  const rendered = await render(deps, channel, composition, request)

  const leave = deps.lanes.enter(laneOf(request))
  const sentAt = new Date()
  const startedAt = performance.now()
  let durationMs = 0
  try {
    const { number: attempt, timeoutMs } = request
    const sending = { composition, target, keys, attempt, sentAt, timeoutMs }
    const { outcome, ...made } = await sendRendered(deps, channel, sending, rendered)
    durationMs = Math.round(performance.now() - startedAt)
    logAttempt(deps, event, target, request.number, durationMs, outcome, made)
    const giveUp = event.test ? undefined : await noteOutcome(deps, target, outcome)
    return {
      kind: 'attempted',
      at: sentAt.toISOString(),
      durationMs,
      outcome,
      ...made,
      ...(giveUp && { giveUp }),
    }
  } finally {
    leave({ slow: durationMs >= request.timeoutMs * slowShare })
  }
}

/** What the message is composed of, and the link by which its reader acknowledges the event where that is waited for. */
function compositionOf(
  { acknowledgeLink }: ActivityDeps,
  event: Event,
  { id, name }: Target,
  { acknowledgeable }: AttemptRequest,
): Composition {
  const acknowledgeUrl = acknowledgeable ? acknowledgeLink?.({ event, destinationId: id }) : undefined
  return { event, destination: { id, name }, acknowledgeUrl }
}

async function render(
  deps: ActivityDeps,
  channel: Channel | undefined,
  composition: Composition,
  { template }: AttemptRequest,
): Promise<Rendered> {
  return channel && template !== undefined ? renderTemplate(deps, channel, composition, template) : {}
}

/**
 * Sends what the template made. What a receiver refuses for its wording alone is sent once more, as the default message: no
 * message is lost to a template.
 */
async function sendRendered(
  deps: ActivityDeps,
  channel: Channel | undefined,
  sending: Sending,
  { content, ...made }: Rendered,
): Promise<{ outcome: Outcome } & Omit<Rendered, 'content'>> {
  const startedAt = performance.now()
  const outcome = await send(deps, channel, { ...sending, content })
  if (!content || outcome.kind !== 'rejected' || !outcome.refusedContent) return { outcome, ...made }
  const templateFault = faultText(`the receiver refused what it made: ${outcome.error}`)
  const timeoutMs = Math.max(1, Math.round(sending.timeoutMs - (performance.now() - startedAt)))
  return { outcome: await send(deps, channel, { ...sending, timeoutMs }), ...made, templateFault }
}

/** Each URL under test has a lane of its own: one that hangs must not hold up another's. */
function laneOf({ destinationId, url }: AttemptRequest): string {
  return url ?? destinationId
}

/** What an attempt needs of a destination. */
type Target = Pick<
  Destination,
  | 'id'
  | 'name'
  | 'tenantId'
  | 'environment'
  | 'channel'
  | 'status'
  | 'statusReason'
  | 'config'
  | 'keys'
  | 'failingSince'
> & {
  delivery: Pick<Destination['delivery'], 'maxPerSecond'>
  subscription: Pick<Destination['subscription'], 'eventTypes'>
}

async function findTarget(
  { db, secretKeys }: ActivityDeps,
  { tenantId, environment, type }: Event,
  { destinationId, url }: AttemptRequest,
): Promise<Target | undefined> {
  if (url === undefined) return findDestination(db, secretKeys, { tenantId, environment }, destinationId)
  return {
    id: destinationId,
    name: 'a URL that is tried out',
    tenantId,
    environment,
    channel: 'webhook',
    status: 'active',
    config: { url },
    delivery: {},
    keys: {},
    subscription: { eventTypes: [type] },
  }
}

/**
 * The destination's own keys, or its tenant's API secret where the wire format signs with that; `undefined` where it must be
 * signed and there is nothing to sign with. Only a URL under test has no secret.
 */
async function signingKeys(
  { db, secretKeys }: ActivityDeps,
  channel: Channel,
  { id, tenantId, environment, config, keys: stored }: Target,
): Promise<SigningKeys | undefined> {
  const signing = channel.signing(config)
  const keys =
    signing?.by === 'tenant' && !stored.ownSecret
      ? { secrets: await readApiSecrets(db, secretKeys, { tenantId, environment }) }
      : ownSigningKeys(stored, new Date())
  const missing = signing && keys.secrets.length === 0 && id !== urlUnderTest
  return missing ? undefined : keys
}

interface Sending {
  composition: Composition
  content?: Content | undefined
  target: Target
  keys: SigningKeys | undefined
  attempt: number
  sentAt: Date
  timeoutMs: number
}

async function send(
  deps: ActivityDeps,
  channel: Channel | undefined,
  { target, keys, composition, ...message }: Sending,
): Promise<Outcome> {
  if (!channel)
    return {
      kind: 'failed',
      errorClass: 'internal',
      error: `this worker does not know the channel "${target.channel}"`,
    }
  if (!keys)
    return {
      kind: 'failed',
      errorClass: 'setup',
      error: 'nothing was sent: the tenant has no API secret to sign it with',
    }
  const { id, name, config, subscription } = target
  try {
    const destination = { id, name, config, keys, eventTypes: subscription.eventTypes }
    const outcome = await channel.send({ ...composition, ...message, destination }, deps.context)
    return withoutSecretsOf(outcome, secretValues(channel, { config, keys }))
  } catch (err) {
    // A channel does not throw; if one does all the same, it may have sent, so this counts as an attempt.
    deps.log.error(
      { err, channel: channel.name, destinationId: id, eventId: composition.event.id },
      'channel.threw',
    )
    return {
      kind: 'failed',
      errorClass: 'internal',
      error: 'a fault on our side; whether it arrived is not known',
    }
  }
}

/** What a receiver answered may echo what it was sent. */
function withoutSecretsOf(outcome: Outcome, secrets: string[]): Outcome {
  const { responseExcerpt } = outcome
  return {
    ...outcome,
    ...(responseExcerpt !== undefined && { responseExcerpt: withoutSecrets(responseExcerpt, secrets) }),
    ...(outcome.kind !== 'delivered' && { error: withoutSecrets(outcome.error, secrets) }),
  }
}

function inactive({ status, statusReason }: Target): string {
  return statusReason ? `the destination is ${status}: ${statusReason}` : `the destination is ${status}`
}

function logAttempt(
  { log }: ActivityDeps,
  event: Event,
  target: Target,
  number: number,
  durationMs: number,
  outcome: Outcome,
  { template, templateFault }: Omit<Rendered, 'content'>,
): void {
  log.info(
    {
      tenantId: event.tenantId,
      environment: event.environment,
      eventId: event.id,
      destinationId: target.id,
      channel: target.channel,
      attempt: number,
      outcome: outcome.kind,
      responseCode: outcome.responseCode,
      error: outcome.kind === 'delivered' ? undefined : outcome.error,
      errorClass: outcome.kind === 'delivered' ? undefined : outcome.errorClass,
      template: template?.id,
      templateFault,
      durationMs,
    },
    'delivery.attempted',
  )
}
