import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { Event } from '../domain/event.ts'
import type { PlannedDelivery } from '../domain/routing/plan.ts'
import { attemptSummary, nameOf, openingSummary } from '../domain/delivery/trace.ts'
import { slowTaskQueue } from './contract/task-queues.ts'

/** Beyond the receiver's own timeout: loading the destination, signing, writing the result. */
const overheadMs = 5_000

/** Our own work on our own database, repeated until it succeeds: it sends nothing and may run twice. */
const ownWork = {
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', maximumInterval: '5m' },
} as const

export const { plan } = proxyLocalActivities<Pick<Activities, 'plan'>>({
  ...ownWork,
  // Waits beyond a few seconds are durable timers, and grow: an outage must not fill the history with heartbeats.
  localRetryThreshold: '5s',
})
/** What is done to the configuration while a delivery is made. */
export const configuration =
  proxyActivities<Pick<Activities, 'disable' | 'enterTurn' | 'releasePlace'>>(ownWork)

/** A rule waits for it: what is lost with a worker is soon done by another. */
const soon = { ...ownWork, startToCloseTimeout: '10s' } as const

/** What a clock with a calendar has to say: workflow code has none. */
export const timing = proxyActivities<Pick<Activities, 'quietTime' | 'timeOfDay'>>(soon)

/** Into a digest, and out of it as an event of its own. */
export const digests = proxyActivities<Pick<Activities, 'joinDigest' | 'startDigest'>>(soon)

/** Tells a tenant what becomes of deliveries. */
export const news = proxyActivities<Pick<Activities, 'announceDelivery'>>(ownWork)

/**
 * First attempts, within the workflow task that routed the event. It answers within about a second,
 * whatever the receivers do.
 */
export function firstAttempts(planned: readonly PlannedDelivery[]) {
  return proxyLocalActivities<Pick<Activities, 'attemptEach'>>({
    startToCloseTimeout: '15s',
    retry: { maximumAttempts: 1 },
    summary: openingSummary(planned.map(nameOf)),
  })
}

/**
 * A later attempt, fair by tenant. One that may take long is made on a queue of its own (`slow`), so that no other attempt waits
 * behind it.
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
    summary: attemptSummary(number, nameOf(planned)),
  })
}
