import { settle } from '../../domain/delivery/timeline.ts'
import type { Clock, Listing, Requests, Waits } from './types.ts'

export function createWaits(clock: Clock, requests: Requests, listing: Listing): Waits {
  return {
    async beforeAttempt(delivery, delayMs, summary) {
      const { destinationId } = delivery
      let requested = requests.isRetryRequested(destinationId)
      if (!requested && clock.expiresWithin(delayMs)) {
        settle(delivery, 'failed', clock.expiryReason)
        return false
      }
      if (!requested) {
        delivery.nextAttemptAt = new Date(Date.now() + delayMs).toISOString()
        listing.publish()
        const isOver = () =>
          requests.mustEnd(delivery) || (requested ||= requests.isRetryRequested(destinationId))
        await clock.until(isOver, delayMs, summary)
        delete delivery.nextAttemptAt
      }
      requests.clearRetry(destinationId)
      requests.endIfRequested(delivery)
      return requested
    },
    async until(delivery, predicate, maxMs, summary) {
      await clock.until(() => requests.mustEnd(delivery) || predicate(), maxMs, summary)
      requests.endIfRequested(delivery)
      return predicate()
    },
    async pause(delayMs, predicate, summary) {
      const startedMs = clock.nowMs()
      listing.publish()
      const isOver = () => requests.cancelled !== undefined || predicate()
      const endedEarly = await clock.until(isOver, Math.max(1, delayMs), summary)
      if (!endedEarly) clock.advanceTo(startedMs + delayMs)
    },
  }
}
