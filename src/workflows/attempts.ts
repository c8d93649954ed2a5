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
import type { Place } from '../domain/delivery/pace.ts'
import type { PlannedDelivery } from '../domain/routing/plan.ts'
import { ruleContext } from '../domain/rules/context.ts'
import { deliveryKey, settle, type Delivery } from '../domain/delivery/timeline.ts'
import { firstAttempts, laterAttempt } from './activity-options.ts'
import { attemptFailedType } from './contract/event.ts'
import { nameOf } from '../domain/delivery/trace.ts'
import type { Run } from './run-types.ts'

/** A delivery in the timeline, and what was planned of it. */
export interface DeliveryAsPlanned {
  planned: PlannedDelivery
  delivery: Delivery
}

/** Beyond the receiver's own timeout, until a worker that makes an attempt is taken to be lost. */
const reportingMs = 15_000

/**
 * Makes the first attempts that an event opens with, side by side in one local activity. Meanwhile the
 * workflow commands nothing else: results of local activities that ended apart come at once when a history is replayed, and
 * so does whatever else their workflow task brought. With one result at a time there is nothing that could change places.
 */
export async function attemptEach(
  run: Run,
  openings: readonly DeliveryAsPlanned[],
): Promise<Map<DeliveryAsPlanned, FirstResult>> {
  if (openings.length === 0) return new Map()
  const requests = openings.map(({ planned, delivery }) =>
    requestOf(run, planned, delivery, placeOf(run, planned)),
  )
  const startedAt = Date.now()
  try {
    const { attemptEach: make } = firstAttempts(openings.map(({ planned }) => planned))
    const { at, results } = await whatItCameTo(make({ event: run.event, requests }))
    run.expiry.note(Date.parse(at))
    return new Map(openings.map((opening, index) => [opening, results[index] ?? { kind: 'unavailable' }]))
  } catch (error) {
    const result = resultOfFailure(error, startedAt)
    return new Map(openings.map((opening) => [opening, result]))
  }
}

/**
 * Waits for a first attempt that goes on in its worker's process. Returns nothing if the worker was lost, which reports nothing:
 * the attempt is then made again, like one that is lost together with its workflow task.
 */
export async function attemptInProgress(
  run: Run,
  { planned, delivery }: DeliveryAsPlanned,
): Promise<AttemptResult | undefined> {
  const key = deliveryKey(delivery)
  settle(delivery, 'pending', 'the first attempt is in progress')
  const summary = `first attempt in progress → ${nameOf(planned)}`
  await condition(() => run.reported.has(key), planned.timeoutMs + reportingMs, { summary })
  const result = run.reported.get(key)
  if (result) noteTime(run, result)
  else settle(delivery, 'pending', 'the worker was lost during the first attempt, which is made again')
  return result
}

/** What an attempt goes by, besides what was planned. */
interface Asked {
  deferred: boolean
  now: boolean
  place?: Place | undefined
  settled?: SettledRecipients | undefined
}

/**
 * Makes one attempt. It never throws but for a cancellation: every way to fail is a value. Returns nothing if the delivery ended
 * while its attempt was in a queue.
 */
export async function attempt(
  run: Run,
  planned: PlannedDelivery,
  delivery: Delivery,
  { deferred, now, place, settled }: Asked,
): Promise<AttemptResult | undefined> {
  const request = {
    ...requestOf(run, planned, delivery, place),
    ...(now && { now: true as const }),
    ...(settled && { settled }),
  }
  const startedAt = Date.now()
  try {
    const result = await unlessEnded(run, delivery, () => ask(run, planned, request, deferred))
    if (result) noteTime(run, result)
    return result
  } catch (error) {
    return resultOfFailure(error, startedAt)
  }
}

/** Takes an attempt that no worker has begun out of its queue once the delivery is to end. One in progress is awaited. */
function unlessEnded<Result>(
  run: Run,
  delivery: Delivery,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  return CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current()
    const ended = condition(() => run.isToEnd(delivery)).then(() => scope.cancel())
    ended.catch(() => undefined) // It is given up with the scope.
    try {
      return await work()
    } catch (error) {
      if (!isCancellation(error) || !run.isToEnd(delivery)) throw error
      run.endIfAsked(delivery)
      return undefined
    } finally {
      scope.cancel()
    }
  })
}

/** An activity in which an attempt has failed fails as well, so that Temporal's UI shows it. What it came to is in the failure. */
async function whatItCameTo<Result>(activity: Promise<Result>): Promise<Result> {
  try {
    return await activity
  } catch (error) {
    const cause = causeOf(error)
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
  return whatItCameTo(make(request))
}

function noteTime({ expiry }: Run, result: AttemptResult): void {
  if (result.kind === 'attempted') expiry.note(Date.parse(result.at) + result.durationMs)
}

function requestOf(
  run: Run,
  planned: PlannedDelivery,
  { attempts }: Delivery,
  place: Place | undefined,
): AttemptRequest {
  const { destinationId, timeoutMs, url, step, template, acknowledgeable } = planned
  const rule = ruleContext(run.timeline, planned, run.nowMs())
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

/** The place in the destination's pace that the API has taken for the event: its first delivery there has it. */
export function placeOf({ places }: Run, { destinationId, again }: PlannedDelivery): Place | undefined {
  return again ? undefined : places[destinationId]
}

/** The SDK wraps the failures of activities, and not those of local ones. */
function causeOf(error: unknown): unknown {
  return error instanceof ActivityFailure ? error.cause : error
}

function resultOfFailure(error: unknown, startedAt: number): AttemptResult {
  if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error
  return causeOf(error) instanceof TimeoutFailure ? lost(startedAt) : { kind: 'unavailable' }
}

/** The worker vanished in mid-attempt. The receiver may have been called, so it counts as an attempt. */
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
