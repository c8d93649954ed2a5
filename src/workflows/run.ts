import {
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Event } from '../domain/event.ts'
import {
  type Delivery,
  type Timeline,
  deliveredDestinations,
  destinationsOf,
  eventStatus,
  failingDestinations,
  isOpen,
  missedDestinations,
  openTimeline,
  settle,
  summarize,
} from '../domain/delivery/timeline.ts'
import { currentDetails, nameOf } from '../domain/delivery/trace.ts'
import { acknowledgeSignal } from './contract/acknowledgements.ts'
import { digestedSignal } from './contract/digests.ts'
import {
  type RouteEventInput,
  attemptEndedSignal,
  cancelSignal,
  endBatchSignal,
  mostPerWorkflow,
  retryNowSignal,
  timelineQuery,
} from './contract/event.ts'
import { inBatches, missedBy, missedByMany, searchAttributes } from './contract/lists.ts'
import { openExpiry } from './expiry.ts'
import { openTurns } from './queues/turns.ts'
import type { Requests, Run } from './run-types.ts'

const cancelledReason = 'cancelled on request'

/** Where the API has put the event before its workflow began. */
type Placed = Pick<RouteEventInput, 'places' | 'queues'>

/** Opens an event's timeline and attaches its query and signals. */
export function openRun(event: Event, { places = {}, queues = [] }: Placed): Run {
  const timeline = openTimeline()
  const retryRequests = new Set<string>()
  const delegated = new Set<Delivery>()
  const forwards: Requests[] = []
  const endings = new Map<Delivery, () => string | undefined>()
  const expiry = openExpiry(event, workflowInfo().startTime.getTime())
  const digested: Run['digested'] = new Map()
  const reported: Run['reported'] = new Map()
  const names = new Map<string, string>()
  const nameOfDestination = (id: string) => names.get(id) ?? id
  let plannedAt = workflowInfo().startTime.toISOString()
  let cancelled: string | undefined
  let published = ''

  setHandler(timelineQuery, () => timeline)
  setHandler(retryNowSignal, async (destinationId) => {
    retryRequests.add(destinationId)
    await passOn((requests) => requests.retryNow(destinationId))
  })
  setHandler(endBatchSignal, (reason) => void (cancelled ??= reason))
  setHandler(cancelSignal, async () => {
    cancelled ??= cancelledReason
    await passOn((requests) => requests.cancel())
  })

  /** A child that has ended meanwhile cannot be signalled, and need not be. */
  async function passOn(ask: (requests: Requests) => Promise<void>): Promise<void> {
    await Promise.all(forwards.map((requests) => ask(requests).catch(() => undefined)))
  }

  /** Upserts what lists show and filter by, when it has changed. In the fast path that is once, at the end. */
  function publish(): void {
    setCurrentDetails(currentDetails(timeline, timeline.status, nameOfDestination))
    const summary = summarize(timeline, delegated)
    const own = timeline.deliveries.filter((delivery) => !delegated.has(delivery))
    const failing = failingDestinations(own)
    const state = JSON.stringify([summary, failing])
    if (state === published) return
    published = state
    upsertMemo({ summary })
    upsertSearchAttributes([
      { key: searchAttributes.eventStatus, value: timeline.status },
      { key: searchAttributes.destinations, value: shownDestinations(timeline, own) },
      { key: searchAttributes.deliveredDestinations, value: deliveredDestinations(own) },
      { key: searchAttributes.failingDestinations, value: failing },
    ])
  }

  function expire(delivery: Delivery): void {
    if (isOpen(delivery) && expiry.isOver()) settle(delivery, 'failed', expiry.reason)
  }

  function reasonToEnd(delivery: Delivery): string | undefined {
    return cancelled ?? endings.get(delivery)?.()
  }

  function isToEnd(delivery: Delivery): boolean {
    return reasonToEnd(delivery) !== undefined
  }

  function endIfAsked(delivery: Delivery): void {
    const reason = reasonToEnd(delivery)
    if (reason !== undefined && isOpen(delivery)) settle(delivery, 'skipped', reason)
    else expire(delivery)
  }

  const run: Run = {
    event,
    timeline,
    turns: openTurns(queues),
    expiry,
    announces: !event.operational && !event.test,
    get plannedAt() {
      return plannedAt
    },
    begin(at, deliveries) {
      plannedAt = at
      for (const planned of deliveries) names.set(planned.destinationId, nameOf(planned))
      expiry.note(Date.parse(at))
    },
    nameOf: ({ destinationId }) => nameOfDestination(destinationId),
    digested,
    reported,
    places,
    delegated,
    publish,
    publishEnded() {
      if (published !== '') publish()
    },
    forward: (requests) => void forwards.push(requests),
    endWhen: (delivery, reason) => void endings.set(delivery, reason),
    isToEnd,
    endIfAsked,
    expire,
    async pause(delayMs, come, summary) {
      const startedMs = expiry.nowMs()
      publish()
      const came = await expiry.until(() => cancelled !== undefined || come(), Math.max(1, delayMs), summary)
      if (!came) expiry.note(startedMs + delayMs)
    },
    over: () => cancelled ?? (expiry.isOver() ? expiry.reason : undefined),
    nowMs: () => expiry.nowMs(),
    now: () => run.inMs(0),
    inMs: (delayMs) => new Date(expiry.nowMs() + delayMs).toISOString(),
    async waitUntil(delivery, come, withinMs, summary) {
      await expiry.until(() => isToEnd(delivery) || come(), withinMs, summary)
      endIfAsked(delivery)
      return come()
    },
    async wait(delivery, delayMs, summary) {
      const { destinationId } = delivery
      let asked = retryRequests.has(destinationId)
      if (!asked && expiry.isOverIn(delayMs)) {
        settle(delivery, 'failed', expiry.reason)
        return false
      }
      if (!asked) {
        delivery.nextAttemptAt = new Date(Date.now() + delayMs).toISOString()
        publish()
        const come = () => isToEnd(delivery) || (asked ||= retryRequests.has(destinationId))
        await expiry.until(come, delayMs, summary)
        delete delivery.nextAttemptAt
      }
      retryRequests.delete(destinationId)
      endIfAsked(delivery)
      return asked
    },
    attempted: (destinationId) => void retryRequests.delete(destinationId),
    close() {
      timeline.status = eventStatus(timeline.deliveries, timeline.steps)
      publish()
      return timeline
    },
  }
  setHandler(attemptEndedSignal, (key, result) => void reported.set(key, result))
  // Those that came before the first task are told here and now.
  setHandler(acknowledgeSignal, (acknowledgement) => {
    if (timeline.acknowledgement) return
    timeline.acknowledgement = acknowledgement
    expiry.note(Date.parse(acknowledgement.at))
    run.publishEnded()
  })
  setHandler(digestedSignal, (digestWorkflowId, { at, eventId }) => {
    // Having left one that began later changes nothing of what was told before.
    if (eventId !== undefined || !digested.has(digestWorkflowId)) digested.set(digestWorkflowId, { eventId })
    expiry.note(Date.parse(at))
  })
  return run
}

/** Those that would have got the event are named as long as there is room, for `mostPerWorkflow` in all at their length. */
function shownDestinations(timeline: Timeline, own: readonly Delivery[]): string[] {
  const missed = missedDestinations(timeline)
  const room = Math.floor((mostPerWorkflow - own.length) * 0.8)
  return [
    ...destinationsOf(own),
    ...(timeline.batches ? [inBatches] : []),
    ...missed.slice(0, room).map(missedBy),
    ...(missed.length > room ? [missedByMany] : []),
  ]
}
