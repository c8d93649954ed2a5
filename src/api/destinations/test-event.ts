import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import type { Event, JsonObject } from '../../domain/event.ts'
import { withHops } from '../../domain/hops.ts'
import { defaultTimeoutMs } from '../../domain/delivery/retry-schedule.ts'
import type { Delivery, Timeline } from '../../domain/delivery/timeline.ts'
import { grpcCode, grpcDeadlineExceeded } from '../../temporal/grpc.ts'
import { startEvent } from '../../temporal/start-event.ts'
import { eventWorkflowId, type TestTarget } from '../../workflows/contract/event.ts'
import type { StartInSlot } from '../http/admission.ts'
import type { AppDeps } from '../deps.ts'
import { ApiError } from '../errors.ts'
import type { Writer } from '../auth/caller.ts'
import { actAudited, type Done } from '../audit/writer.ts'

export interface TestGiven {
  target: TestTarget
  type: string
  data: JsonObject
  /** Time limit for the receiver. */
  timeoutMs?: number
  /** The number of webhooks in the chain that led to the request. */
  hops: number
}

export interface Tested {
  /** The number of the test among the tenant's tests, starting at 1. */
  logId: number
  eventId: string
  type: string
  delivery: Delivery
}

/** Time allowed beyond the receiver's own: for starting the workflow and waiting for a worker. */
const overheadMs = 10_000

/** A test is an ordinary event, so it appears in the delivery log. Its id is derived from its number. */
export function testEventId(logId: number): string {
  return `test_${logId}`
}

/** Makes one attempt to deliver a test event to one target, and waits for the outcome. */
export async function sendTest(deps: AppDeps, writer: Writer, given: TestGiven): Promise<Tested> {
  const { timeoutMs = defaultTimeoutMs, type } = given
  const { logId, handle } = await startTest(deps, writer, given)
  const timeline = await resultWithin(deps, () => handle.result(), timeoutMs + overheadMs, logId)
  const [delivery] = timeline.deliveries
  if (!delivery)
    throw new ApiError('not_found', 'The destination was deleted before the test event was sent.')
  return { logId, eventId: testEventId(logId), type, delivery }
}

function startTest(deps: AppDeps, writer: Writer, given: TestGiven) {
  return deps.admission.admit(writer.scope.tenantId, 1, (startInSlot) =>
    startNextTest(deps, writer, given, startInSlot),
  )
}

async function startNextTest(
  deps: AppDeps,
  writer: Writer,
  { target, type, data, hops }: TestGiven,
  startInSlot: StartInSlot,
) {
  const { scope } = writer
  for (;;) {
    const { lastTestLog: logId } = await deps.db.tenant.update({
      where: { id: scope.tenantId },
      data: { lastTestLog: { increment: 1 } },
      select: { lastTestLog: true },
    })
    const createdAt = new Date().toISOString()
    const id = testEventId(logId)
    const event = withHops({ ...scope, id, type, data, createdAt, test: true }, hops)
    try {
      const handle = await startInSlot(eventWorkflowId({ ...scope, eventId: event.id }), () =>
        actAudited(deps.db, writer, toTestEvent(event, target), () =>
          startEvent(deps.temporal, { event, test: target }, { eager: deps.eagerStart }),
        ),
      )
      return { logId, handle }
    } catch (error) {
      // The platform has already used the id for an event of its own, so the next number is tried.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    }
  }
}

/** The audit entry of a test. Leaves out the event's data, which may be anything that the caller has chosen. */
function toTestEvent({ id, type }: Event, target: TestTarget): Done {
  const after = { eventId: id, type }
  return 'destinationId' in target
    ? { action: 'destination.tested', subject: target.destinationId, after }
    : { action: 'webhook-url.tested', after: { ...after, url: target.url } }
}

async function resultWithin(
  { temporal }: AppDeps,
  result: () => Promise<Timeline>,
  deadlineMs: number,
  logId: number,
): Promise<Timeline> {
  try {
    return await temporal.withDeadline(Date.now() + deadlineMs, result)
  } catch (cause) {
    if (grpcCode(cause) !== grpcDeadlineExceeded) throw cause
    throw new ApiError(
      'unavailable',
      `No worker has picked up the test yet; its result will appear in the delivery log under log_id ${logId} (event ${testEventId(logId)}).`,
      { cause, headers: { 'Retry-After': '5' } },
    )
  }
}
