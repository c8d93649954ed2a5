import type { Channel, Composition } from '../channels/channel.ts'
import { findChannel } from '../channels/index.ts'
import { expiryMs, type Event } from '../domain/event.ts'
import type { AttemptResult, Outcome } from '../domain/outcome.ts'
import type { Place } from '../domain/pace.ts'
import { askingEvent } from './asking-event.ts'
import { noteOutcome } from './health.ts'
import { holdBack } from './hold-back.ts'
import type { ActivityDeps } from './index.ts'
import { renderTemplate, type Rendered } from './render.ts'
import { sendRendered } from './send.ts'
import { findTarget, inactive, signingKeys, type Target } from './target.ts'

/** One attempt to make. It names the destination; what is secret is loaded here and never enters history. */
export interface AttemptRequest {
  destinationId: string
  number: number
  timeoutMs: number
  /** The place in the destination's pace that is kept for it. */
  place?: Place | undefined
  /** Of a test at a URL that no destination has. */
  url?: string | undefined
  /** The path of the rule's step that makes it. */
  step?: string | undefined
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
    const { event } = await askingEvent()
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

/** Each URL under test has a lane of its own: one that hangs must not hold up another's. */
function laneOf({ destinationId, url }: AttemptRequest): string {
  return url ?? destinationId
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
