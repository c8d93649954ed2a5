import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { PlannedDelivery } from '../domain/routing.ts'
import { slowTaskQueue } from './contract.ts'

/** Beyond the receiver's own timeout: loading the destination, signing, writing the result. */
const overheadMs = 5_000

/** Our own work on our own database, repeated until it succeeds: it sends nothing and may run twice. */
export const configuration = proxyLocalActivities<Pick<Activities, 'plan' | 'disable' | 'enterTurn'>>({
  startToCloseTimeout: '30s',
  // Waits beyond a few seconds are durable timers, and grow: an outage must not fill the history with heartbeats.
  localRetryThreshold: '5s',
  retry: { initialInterval: '1s', maximumInterval: '5m' },
})

/** The first attempt, within the workflow task that routed the event (DESIGN §3, fast path). */
export function firstAttempts({ timeoutMs }: PlannedDelivery) {
  return proxyLocalActivities<Pick<Activities, 'attemptFirst'>>({
    startToCloseTimeout: timeoutMs + overheadMs,
    retry: { maximumAttempts: 1 },
  })
}

/** Attempts on the task queue, fair by tenant. */
export function laterAttempts(tenantId: string, { timeoutMs }: PlannedDelivery) {
  return proxyActivities<Pick<Activities, 'attempt'>>({
    startToCloseTimeout: timeoutMs + overheadMs,
    retry: { maximumAttempts: 1 },
    priority: { fairnessKey: tenantId },
  })
}

/** Attempts at slow destinations: their own queue, fair by destination, so that nobody else waits behind them. */
export function slowAttempts({ destinationId, timeoutMs }: PlannedDelivery) {
  return proxyActivities<Pick<Activities, 'attempt'>>({
    taskQueue: slowTaskQueue,
    startToCloseTimeout: timeoutMs + overheadMs,
    retry: { maximumAttempts: 1 },
    priority: { fairnessKey: destinationId },
  })
}
