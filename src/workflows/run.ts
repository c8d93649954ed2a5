import { condition, patched, setHandler, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow'
import type { Event } from '../domain/event.ts'
import {
  deliveredDestinations,
  eventStatus,
  failingDestinations,
  openTimeline,
  settle,
  summarize,
  type Delivery,
  type Timeline,
} from '../domain/timeline.ts'
import { cancelSignal, inBatches, retryNowSignal, searchAttributes, timelineQuery } from './contract.ts'

/** What the steps of one event share: its timeline, and what was asked of it from outside. */
export interface Run {
  event: Event
  timeline: Timeline
  /** Deliveries that a child makes: the child shows them to lists, so that they stand in one search attribute only. */
  delegated: Set<Delivery>
  /** Waits durably; `retryNow` ends the wait early, `cancel` ends the delivery. */
  wait(delivery: Delivery, delayMs: number): Promise<void>
  /** Shows what has changed to lists. */
  publish(): void
  /** Likewise when deliveries ended, if lists show the event already: an event that is done at once is shown once. */
  publishEnded(): void
  /** Passes on to a child what is asked of the event. */
  forward(requests: Requests): void
  /** Settles the event's state, shows it to lists, and gives the finished timeline. */
  close(): Timeline
}

/** What can be asked of an event from outside, by signals. */
export interface Requests {
  retryNow(destinationId: string): Promise<void>
  cancel(): Promise<void>
}

/** Workflows that began before had lists wait for the end of the event, or for the next wait. */
const publishEndedPatch = 'publish-ended-deliveries'

/** Opens an event's timeline and attaches its query and signals. */
export function openRun(event: Event): Run {
  const timeline = openTimeline()
  const retryRequests = new Set<string>()
  const delegated = new Set<Delivery>()
  const forwards: Requests[] = []
  let cancelled = false
  let published = ''

  setHandler(timelineQuery, () => timeline)
  setHandler(retryNowSignal, async (destinationId) => {
    retryRequests.add(destinationId)
    await passOn((requests) => requests.retryNow(destinationId))
  })
  setHandler(cancelSignal, async () => {
    cancelled = true
    await passOn((requests) => requests.cancel())
  })

  /** A child that has ended meanwhile cannot be signalled, and need not be. */
  async function passOn(ask: (requests: Requests) => Promise<void>): Promise<void> {
    await Promise.all(forwards.map((requests) => ask(requests).catch(() => undefined)))
  }

  /** Upserts what lists show and filter by, when it has changed. In the fast path that is once, at the end. */
  function publish(): void {
    const summary = summarize(timeline)
    const own = timeline.deliveries.filter((delivery) => !delegated.has(delivery))
    const failing = failingDestinations(own)
    const delivered = deliveredDestinations(own)
    const state = JSON.stringify([summary, failing])
    if (state === published) return
    published = state
    upsertMemo({ summary })
    upsertSearchAttributes([
      { key: searchAttributes.eventStatus, value: timeline.status },
      {
        key: searchAttributes.destinations,
        value: [...own.map(({ destinationId }) => destinationId), ...(timeline.batches ? [inBatches] : [])],
      },
      { key: searchAttributes.deliveredDestinations, value: delivered },
      { key: searchAttributes.failingDestinations, value: failing },
    ])
  }

  return {
    event,
    timeline,
    delegated,
    publish,
    publishEnded() {
      if (published !== '' && patched(publishEndedPatch)) publish()
    },
    forward: (requests) => void forwards.push(requests),
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
