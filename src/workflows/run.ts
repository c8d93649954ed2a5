import { condition, setHandler, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow'
import type { Event } from '../domain/event.ts'
import {
  eventStatus,
  failingDestinations,
  openTimeline,
  settle,
  summarize,
  type Delivery,
  type Timeline,
} from '../domain/timeline.ts'
import { cancelSignal, retryNowSignal, searchAttributes, timelineQuery } from './contract.ts'

/** What the steps of one event share: its timeline, and what was asked of it from outside. */
export interface Run {
  event: Event
  timeline: Timeline
  /** Waits durably; `retryNow` ends the wait early, `cancel` ends the delivery. */
  wait(delivery: Delivery, delayMs: number): Promise<void>
  /** Settles the event's state, shows it to lists, and gives the finished timeline. */
  close(): Timeline
}

/** Opens an event's timeline and attaches its query and signals. */
export function openRun(event: Event): Run {
  const timeline = openTimeline()
  const retryRequests = new Set<string>()
  let cancelled = false
  let published = ''

  setHandler(timelineQuery, () => timeline)
  setHandler(retryNowSignal, (destinationId) => void retryRequests.add(destinationId))
  setHandler(cancelSignal, () => {
    cancelled = true
  })

  /** Upserts what lists show and filter by, when it has changed. In the fast path that is once, at the end. */
  function publish(): void {
    const summary = summarize(timeline)
    const failing = failingDestinations(timeline)
    const state = JSON.stringify([summary, failing])
    if (state === published) return
    published = state
    upsertMemo({ summary })
    upsertSearchAttributes([
      { key: searchAttributes.eventStatus, value: timeline.status },
      { key: searchAttributes.destinations, value: summary.deliveries.map(({ destinationId }) => destinationId) },
      { key: searchAttributes.failingDestinations, value: failing },
    ])
  }

  return {
    event,
    timeline,
    async wait(delivery, delayMs) {
      retryRequests.delete(delivery.destinationId)
      delivery.nextAttemptAt = new Date(Date.now() + delayMs).toISOString()
      publish()
      await condition(() => cancelled || retryRequests.has(delivery.destinationId), delayMs)
      delete delivery.nextAttemptAt
      if (cancelled) settle(delivery, 'skipped', 'cancelled on request')
    },
    close() {
      timeline.status = eventStatus(timeline.deliveries)
      publish()
      return timeline
    },
  }
}
