import { setHandler } from '@temporalio/workflow'
import { isOpen, settle, type Delivery } from '../../domain/delivery/timeline.ts'
import { cancelSignal, endBatchSignal, retryNowSignal } from '../contract/event.ts'
import type { Clock, Over, Requests, RequestTarget } from './types.ts'

const cancelledReason = 'cancelled on request'

/** Attaches the signals that request something of an event. */
export function openRequests(clock: Clock): Requests {
  const retries = new Set<string>()
  const children: RequestTarget[] = []
  const endings = new Map<Delivery, Over>()
  let cancelled: string | undefined

  setHandler(retryNowSignal, async (destinationId) => {
    retries.add(destinationId)
    await forward((child) => child.retryNow(destinationId))
  })
  setHandler(endBatchSignal, (reason) => void (cancelled ??= reason))
  setHandler(cancelSignal, async () => {
    cancelled ??= cancelledReason
    await forward((child) => child.cancel())
  })

  /** A child that has already ended cannot be signalled, and need not be. */
  async function forward(request: (child: RequestTarget) => Promise<void>): Promise<void> {
    await Promise.all(children.map((child) => request(child).catch(() => undefined)))
  }

  const reasonToEnd = (delivery: Delivery) => cancelled ?? endings.get(delivery)?.()

  function endIfExpired(delivery: Delivery): void {
    if (isOpen(delivery) && clock.isExpired()) settle(delivery, 'failed', clock.expiryReason)
  }

  return {
    get cancelled() {
      return cancelled
    },
    isRetryRequested: (destinationId) => retries.has(destinationId),
    clearRetry: (destinationId) => void retries.delete(destinationId),
    endWhen: (delivery, reason) => void endings.set(delivery, reason),
    mustEnd: (delivery) => reasonToEnd(delivery) !== undefined,
    endIfRequested(delivery) {
      const reason = reasonToEnd(delivery)
      if (reason !== undefined && isOpen(delivery)) settle(delivery, 'skipped', reason)
      else endIfExpired(delivery)
    },
    endIfExpired,
    over: () => cancelled ?? (clock.isExpired() ? clock.expiryReason : undefined),
    forwardTo: (child) => void children.push(child),
  }
}
