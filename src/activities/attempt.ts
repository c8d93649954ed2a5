import { activityInfo, getClient } from '@temporalio/activity'
import { findDestination, type Destination } from '../db/destinations.ts'
import { findChannel } from '../channels/index.ts'
import { secretValues } from '../channels/secrets.ts'
import type { Event } from '../domain/event.ts'
import type { AttemptResult, Outcome } from '../domain/outcome.ts'
import { withoutSecrets } from '../domain/redaction.ts'
import { readEventInput } from '../temporal/event-input.ts'
import type { ActivityDeps } from './index.ts'

/** One attempt to make. It names the destination; what is secret is loaded here and never enters history. */
export interface AttemptRequest {
  destinationId: string
  number: number
  timeoutMs: number
}

/** An attempt that took this share of its timeout marks its destination as slow. */
const slowShare = 0.5

/**
 * The attempt activities. They classify what happened and never retry. They throw only when nothing was sent and the
 * fault is ours: the workflow then asks again without using up an attempt.
 */
export function createAttempts(deps: ActivityDeps) {
  const { lanes } = deps

  /** As a local activity: the event is at hand, and a local activity's input is not written to history. */
  async function attemptFirst({
    event,
    ...request
  }: AttemptRequest & { event: Event }): Promise<AttemptResult> {
    const reason = lanes.deferral(request.destinationId)
    return reason ? { kind: 'deferred', reason } : makeAttempt(deps, event, request)
  }

  async function attempt(request: AttemptRequest): Promise<AttemptResult> {
    const reason = lanes.deferral(request.destinationId)
    return reason ? { kind: 'deferred', reason } : attemptAnyway(request)
  }

  async function attemptAnyway(request: AttemptRequest): Promise<AttemptResult> {
    const { workflowExecution } = activityInfo()
    if (!workflowExecution) throw new Error('an attempt is made for a workflow only')
    const { workflowId, runId } = workflowExecution
    const { event } = await readEventInput(getClient(), workflowId, runId)
    return makeAttempt(deps, event, request)
  }

  return { attemptFirst, attempt, attemptAnyway }
}

async function makeAttempt(
  deps: ActivityDeps,
  event: Event,
  request: AttemptRequest,
): Promise<AttemptResult> {
  const { tenantId, environment } = event
  const destination = await findDestination(
    deps.db,
    deps.secretKeys,
    { tenantId, environment },
    request.destinationId,
  )
  if (!destination) return { kind: 'skipped', reason: 'the destination was deleted' }
  if (destination.status !== 'active') return { kind: 'skipped', reason: inactive(destination) }

  const leave = deps.lanes.enter(destination.id)
  const sentAt = new Date()
  const startedAt = performance.now()
  let durationMs = 0
  try {
    const outcome = await send(deps, { event, destination, sentAt, timeoutMs: request.timeoutMs })
    durationMs = Math.round(performance.now() - startedAt)
    logAttempt(deps, event, destination, request.number, durationMs, outcome)
    return { kind: 'attempted', at: sentAt.toISOString(), durationMs, outcome }
  } finally {
    leave({ slow: durationMs >= request.timeoutMs * slowShare })
  }
}

interface Sending {
  event: Event
  destination: Destination
  sentAt: Date
  timeoutMs: number
}

async function send(deps: ActivityDeps, { destination, ...message }: Sending): Promise<Outcome> {
  const channel = findChannel(destination.channel)
  if (!channel)
    return { kind: 'failed', error: `this worker does not know the channel "${destination.channel}"` }
  const { id, name, config, secret } = destination
  try {
    const outcome = await channel.send(
      { ...message, destination: { id, name, config, secret } },
      deps.context,
    )
    return withoutSecretsOf(outcome, secretValues(channel, destination))
  } catch (err) {
    // A channel does not throw; if one does all the same, it may have sent, so this counts as an attempt.
    deps.log.error(
      { err, channel: channel.name, destinationId: id, eventId: message.event.id },
      'channel.threw',
    )
    return { kind: 'failed', error: 'a fault on our side; whether it arrived is not known' }
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

function inactive({ status, statusReason }: Destination): string {
  return statusReason ? `the destination is ${status}: ${statusReason}` : `the destination is ${status}`
}

function logAttempt(
  { log }: ActivityDeps,
  event: Event,
  destination: Destination,
  number: number,
  durationMs: number,
  outcome: Outcome,
): void {
  log.info(
    {
      tenantId: event.tenantId,
      environment: event.environment,
      eventId: event.id,
      destinationId: destination.id,
      channel: destination.channel,
      attempt: number,
      outcome: outcome.kind,
      responseCode: outcome.responseCode,
      error: outcome.kind === 'delivered' ? undefined : outcome.error,
      durationMs,
    },
    'delivery.attempted',
  )
}
