import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { Event } from '../domain/event.ts'
import type { PlannedDelivery } from '../domain/routing/plan.ts'
import { attemptSummary, displayName, openingSummary } from '../domain/delivery/trace.ts'
import { slowTaskQueue } from './contract/task-queues.ts'

/** Allowed in addition to the receiver's timeout: loading the destination, signing, recording the result. */
const overheadMs = 5_000

/** Work on our own database. It is idempotent and sends nothing, so it is retried until it succeeds. */
const ownWork = {
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', maximumInterval: '5m' },
} as const

export const { plan } = proxyLocalActivities<Pick<Activities, 'plan'>>({
  ...ownWork,
  // Longer backoffs are durable timers: an outage must not fill the history with heartbeats.
  localRetryThreshold: '5s',
})
/** Changes to the configuration during a delivery. */
export const configuration =
  proxyActivities<Pick<Activities, 'disable' | 'enterTurn' | 'releasePlace'>>(ownWork)

/** For activities that a rule waits for: if a worker is lost, another one soon takes over. */
const prompt = { ...ownWork, startToCloseTimeout: '10s' } as const

/** Calendar arithmetic, which workflow code must not do. */
export const timing = proxyActivities<Pick<Activities, 'quietTime' | 'timeOfDay'>>(prompt)

/** Joins a digest, and turns a full one into an event. */
export const digests = proxyActivities<Pick<Activities, 'joinDigest' | 'startDigest'>>(prompt)

/** Emits operational events about deliveries. */
export const announcements = proxyActivities<Pick<Activities, 'announceDelivery'>>(ownWork)

/**
 * First attempts, within the workflow task that routed the event. The activity returns within about a second, however slow the
 * receivers are.
 */
export function firstAttempts(planned: readonly PlannedDelivery[]) {
  return proxyLocalActivities<Pick<Activities, 'attemptEach'>>({
    startToCloseTimeout: '15s',
    retry: { maximumAttempts: 1 },
    summary: openingSummary(planned.map(displayName)),
  })
}

/**
 * A later attempt, scheduled fairly between tenants. One that may take long uses a separate task queue (`slow`), so that no other
 * attempt waits behind it.
 */
export function laterAttempt(
  { tenantId }: Pick<Event, 'tenantId'>,
  planned: PlannedDelivery,
  { number, slow }: { number: number; slow: boolean },
) {
  return proxyActivities<Pick<Activities, 'attempt'>>({
    ...(slow && { taskQueue: slowTaskQueue }),
    startToCloseTimeout: planned.timeoutMs + overheadMs,
    retry: { maximumAttempts: 1 },
    priority: { fairnessKey: tenantId },
    summary: attemptSummary(number, displayName(planned)),
  })
}
