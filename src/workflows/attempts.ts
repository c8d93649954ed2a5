import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  TemporalFailure,
  TimeoutFailure,
} from '@temporalio/workflow'
import type { AttemptRequest } from '../activities/attempt/request.ts'
import type { AttemptResult, FirstResult, SettledRecipients } from '../domain/delivery/outcome.ts'
import type { PaceReservation } from '../domain/delivery/pace.ts'
import type { PlannedDelivery } from '../domain/routing/plan.ts'
import { ruleContext } from '../domain/rules/context.ts'
import { deliveryKey, settle, type Delivery } from '../domain/delivery/timeline.ts'
import { firstAttempts, laterAttempt } from './activity-options.ts'
import { attemptFailedType } from './contract/event.ts'
import { displayName } from '../domain/delivery/trace.ts'
import type { Run } from './run/types.ts'

/** A delivery in the timeline, and its plan. */
export interface DeliveryAsPlanned {
  planned: PlannedDelivery
  delivery: Delivery
}

/** After the receiver's timeout and this time, a worker that has not reported its attempt is considered lost. */
const reportingMs = 15_000

/**
 * Makes an event's first attempts in parallel in one local activity. The workflow issues no other command meanwhile: on replay the
 * results of several local activities, and everything else from their workflow task, arrive at once, whereas they originally arrived
 * one by one. With a single result at a time there is no order that could change.
 */
export async function attemptEach(
  run: Run,
  openings: readonly DeliveryAsPlanned[],
): Promise<Map<DeliveryAsPlanned, FirstResult>> {
  if (openings.length === 0) return new Map()
  const requests = openings.map(({ planned, delivery }) =>
    attemptRequest(run, planned, delivery, reservedPlace(run, planned)),
  )
  const startedAt = Date.now()
  try {
    const { attemptEach: make } = firstAttempts(openings.map(({ planned }) => planned))
    const { at, results } = await attemptResult(make({ event: run.event, requests }))
    run.clock.advanceTo(Date.parse(at))
    return new Map(openings.map((opening, index) => [opening, results[index] ?? { kind: 'unavailable' }]))
  } catch (error) {
    const result = resultFromFailure(error, startedAt)
    return new Map(openings.map((opening) => [opening, result]))
  }
}

/**
 * Waits for a first attempt that is still running in its worker's process. Returns nothing if the worker was lost and therefore
 * never reports: the attempt is then repeated, as is one that is lost together with its workflow task.
 */
export async function attemptInProgress(
  run: Run,
  { planned, delivery }: DeliveryAsPlanned,
): Promise<AttemptResult | undefined> {
  const key = deliveryKey(delivery)
  settle(delivery, 'pending', 'the first attempt is in progress')
  const summary = `first attempt in progress → ${displayName(planned)}`
  await condition(() => run.reported.has(key), planned.timeoutMs + reportingMs, { summary })
  const result = run.reported.get(key)
  if (result) advanceClock(run, result)
  else settle(delivery, 'pending', 'the worker was lost during the first attempt, which is made again')
  return result
}

/** What an attempt depends on besides the plan. See `Work` in deliver.ts. */
interface AttemptState {
  deferred: boolean
  requested: boolean
  place?: PaceReservation | undefined
  settled?: SettledRecipients | undefined
}

/**
 * Makes one attempt. It throws on cancellation only; every failure is a value. Returns nothing if the delivery ended while its
 * attempt was queued.
 */
export async function attempt(
  run: Run,
  planned: PlannedDelivery,
  delivery: Delivery,
  { deferred, requested, place, settled }: AttemptState,
): Promise<AttemptResult | undefined> {
  const request = {
    ...attemptRequest(run, planned, delivery, place),
    ...(requested && { now: true as const }),
    ...(settled && { settled }),
  }
  const startedAt = Date.now()
  try {
    const result = await unlessEnded(run, delivery, () => ask(run, planned, request, deferred))
    if (result) advanceClock(run, result)
    return result
  } catch (error) {
    return resultFromFailure(error, startedAt)
  }
}

/** Removes a queued attempt from its task queue once the delivery must end. An attempt in progress is awaited. */
function unlessEnded<Result>(
  run: Run,
  delivery: Delivery,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  return CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current()
    const ended = condition(() => run.requests.mustEnd(delivery)).then(() => scope.cancel())
    ended.catch(() => undefined) // The scope was cancelled first.
    try {
      return await work()
    } catch (error) {
      if (!isCancellation(error) || !run.requests.mustEnd(delivery)) throw error
      run.requests.endIfRequested(delivery)
      return undefined
    } finally {
      scope.cancel()
    }
  })
}

/** An activity whose attempt failed fails as well, so that Temporal's UI shows it. The failure's details hold the result. */
async function attemptResult<Result>(activity: Promise<Result>): Promise<Result> {
  try {
    return await activity
  } catch (error) {
    const cause = getCause(error)
    if (!(cause instanceof ApplicationFailure) || cause.type !== attemptFailedType) throw error
    return cause.details?.[0] as Result
  }
}

function ask(
  { event }: Run,
  planned: PlannedDelivery,
  request: AttemptRequest,
  deferred: boolean,
): Promise<AttemptResult> {
  const { attempt: make } = laterAttempt(event, planned, { number: request.number, slow: deferred })
  return attemptResult(make(request))
}

function advanceClock({ clock }: Run, result: AttemptResult): void {
  if (result.kind === 'attempted') clock.advanceTo(Date.parse(result.at) + result.durationMs)
}

function attemptRequest(
  run: Run,
  planned: PlannedDelivery,
  { attempts }: Delivery,
  place: PaceReservation | undefined,
): AttemptRequest {
  const { destinationId, timeoutMs, url, step, template, acknowledgeable } = planned
  const rule = ruleContext(run.timeline, planned, run.clock.nowMs())
  return {
    destinationId,
    number: attempts.length + 1,
    timeoutMs,
    url,
    place,
    ...(step && { step }),
    ...(template && { template }),
    ...(acknowledgeable && { acknowledgeable }),
    ...(rule && { rule }),
  }
}

/** The place that the API reserved at a rate-limited destination. The event's first delivery to it uses it. */
export function reservedPlace(
  { places }: Run,
  { destinationId, again }: PlannedDelivery,
): PaceReservation | undefined {
  return again ? undefined : places[destinationId]
}

/** The SDK wraps the failures of activities, and not those of local ones. */
function getCause(error: unknown): unknown {
  return error instanceof ActivityFailure ? error.cause : error
}

function resultFromFailure(error: unknown, startedAt: number): AttemptResult {
  if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error
  return getCause(error) instanceof TimeoutFailure ? lost(startedAt) : { kind: 'unavailable' }
}

/** The worker was lost during the attempt. The receiver may have been called, so it counts as one. */
function lost(startedAt: number): AttemptResult {
  return {
    kind: 'attempted',
    at: new Date(startedAt).toISOString(),
    durationMs: Date.now() - startedAt,
    outcome: {
      kind: 'failed',
      errorClass: 'internal',
      error: 'the worker was lost during the attempt; whether it arrived is not known',
    },
  }
}
