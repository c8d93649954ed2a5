import { activityInfo } from '@temporalio/activity'
import { releaseReservation } from '../../db/limits/pace.ts'
import { type MailLimits, createMailLimits } from '../../db/limits/mail-limits.ts'
import { type Event, expiryMs } from '../../domain/event.ts'
import { readConfirmation } from '../../domain/operational.ts'
import { excerptWithNote } from '../../domain/delivery/excerpt.ts'
import type { AttemptResult, Outcome } from '../../domain/delivery/outcome.ts'
import { truncate } from '../../domain/truncate.ts'
import { isReplayWorkflow, scopeOfWorkflow } from '../../workflows/contract/event.ts'
import { readCallingEvent } from '../asking-event.ts'
import { failIfAttemptFailed } from './failure.ts'
import { createAttemptEach } from './first-attempts.ts'
import { type HealthUpdate, recordOutcome } from './health.ts'
import type { ActivityDeps } from '../deps.ts'
import { logAttempt } from './log.ts'
import type { OngoingAttempts } from './ongoing.ts'
import { prepareConfirmation } from './prepare-confirmation.ts'
import { type PreparedAttempt, prepareMessage } from './prepare.ts'
import { sendRendered } from './send.ts'
import { findTarget } from '../target.ts'
import type { AttemptRequest } from './request.ts'

export type AttemptDeps = ActivityDeps & { mailLimits: MailLimits }

/** An attempt that took this share of its timeout marks its destination as slow. */
const slowShare = 0.5

/**
 * The attempt activities. They classify what happened and never retry. They throw only if nothing was sent because of an internal
 * error: the workflow then asks again without using up an attempt.
 */
export function createAttempts(given: ActivityDeps & { ongoing: OngoingAttempts }) {
  const deps: AttemptDeps = { ...given, mailLimits: createMailLimits(given.db) }

  async function attempt(request: AttemptRequest): Promise<AttemptResult> {
    const { tenantId } = scopeOfWorkflow(activityInfo().workflowExecution?.workflowId ?? '')
    return failIfFailed(await inFastLane(deps, tenantId, request, () => makeAsked(request)))
  }

  async function attemptAnyway(request: AttemptRequest): Promise<AttemptResult> {
    return failIfFailed(await makeAsked(request))
  }

  async function makeAsked(request: AttemptRequest): Promise<AttemptResult> {
    const { event } = await readCallingEvent()
    return makeAttempt(deps, event, request)
  }

  const attemptEach = createAttemptEach(given, (event, request) =>
    inFastLane(deps, event.tenantId, request, () => makeAttempt(deps, event, request)).catch((error) =>
      unavailable(deps, error),
    ),
  )
  return { attemptEach, attempt, attemptAnyway }
}

const failIfFailed = (result: AttemptResult) => failIfAttemptFailed(result, [result])

async function inFastLane(
  { lanes, metrics }: AttemptDeps,
  tenantId: string,
  request: AttemptRequest,
  make: () => Promise<AttemptResult>,
): Promise<AttemptResult> {
  const reason = lanes.deferral({ tenantId, destinationId: chooseLane(request) })
  if (reason !== undefined) {
    metrics.countNotMade('deferred')
    return { kind: 'deferred', reason }
  }
  const leave = lanes.enter(tenantId)
  return make().finally(leave)
}

function unavailable({ log }: ActivityDeps, err: unknown): AttemptResult {
  log.error({ err }, 'attempt.unavailable')
  return { kind: 'unavailable', error: String(err) }
}

/** Makes an attempt in the fast or the slow lane. Releases the pace reservation if no attempt will be made with it. */
export async function makeAttempt(
  deps: AttemptDeps,
  event: Event,
  request: AttemptRequest,
): Promise<AttemptResult> {
  const { destinationId, place } = request
  const made = await attemptOnce(deps, event, request).catch((error: unknown) => {
    deps.metrics.countNotMade('unavailable')
    throw error
  })
  if (made.kind !== 'attempted') deps.metrics.countNotMade(made.kind)
  const isOver = made.kind === 'skipped' || made.kind === 'expired'
  if (place && isOver) await releaseReservation(deps.db, destinationId, place.number)
  return made
}

async function attemptOnce(deps: AttemptDeps, event: Event, request: AttemptRequest): Promise<AttemptResult> {
  if (Date.now() >= expiryMs(event)) return { kind: 'expired' }
  const target = await findTarget(deps, event, request)
  if (!target) return { kind: 'skipped', reason: 'the destination was deleted' }
  const asking = readConfirmation(event)
  const prepared = asking
    ? await prepareConfirmation(deps, event, target, { address: asking.address, attempt: request.number })
    : await prepareMessage(deps, event, target, request)
  return 'kind' in prepared ? prepared : send(deps, event, request, prepared)
}

async function send(
  deps: ActivityDeps,
  event: Event,
  request: AttemptRequest,
  { channel, rendered, audience, ...prepared }: PreparedAttempt,
): Promise<AttemptResult> {
  const leave = deps.lanes.send(chooseLane(request), request.timeoutMs * slowShare)
  const end = deps.metrics.beginAttempt()
  const sentAt = new Date()
  const startedAt = performance.now()
  let durationMs = 0
  try {
    recordLag(deps, event, request)
    const { number: attempt, timeoutMs, settled } = request
    const sending = { ...prepared, attempt, sentAt, timeoutMs, settled, recipients: audience?.recipients }
    const { outcome, ...made } = await sendRendered(deps, channel, sending, rendered)
    durationMs = Math.round(performance.now() - startedAt)
    const { target } = prepared
    deps.metrics.countAttempt({ channel: target.channel, outcome, durationMs })
    await logAttempt(deps, event, { target, request, durationMs, outcome, ...made })
    // A confirmation is sent by another server, so its outcome says nothing about the destination's health.
    const noted: HealthUpdate = readConfirmation(event)
      ? { outcome }
      : await recordOutcome(deps, target, outcome, { test: event.test === true })
    return {
      kind: 'attempted',
      at: sentAt.toISOString(),
      durationMs,
      ...noted,
      outcome: noteLeftOut(noted.outcome, audience?.leftOut),
      ...made,
    }
  } finally {
    end()
    leave()
  }
}

/** A replay, a test or a rule's step is attempted when somebody or a rule says so, which says nothing about the platform. */
function recordLag({ metrics }: ActivityDeps, event: Event, { number, step }: AttemptRequest): void {
  if (number !== 1 || step !== undefined || event.test) return
  if (isReplayWorkflow(activityInfo().workflowExecution?.workflowId ?? '')) return
  metrics.recordLag(Date.now() - Date.parse(event.createdAt))
}

const maxNoteLength = 1000

/** Appends to the response the recipients who were left out. */
function noteLeftOut(outcome: Outcome, leftOut: string | undefined): Outcome {
  if (leftOut === undefined) return outcome
  const note = truncate(`; not sent to all recipients: ${leftOut}`, maxNoteLength)
  return { ...outcome, responseExcerpt: excerptWithNote(outcome.responseExcerpt ?? '', note) }
}

/** Each URL under test has its own lane, so that one that hangs does not delay others. */
function chooseLane({ destinationId, url }: AttemptRequest): string {
  return url ?? destinationId
}
