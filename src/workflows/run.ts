import {
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Event } from '../domain/event.ts'
import type { AttemptResult } from '../domain/delivery/outcome.ts'
import type { PlannedDelivery } from '../domain/routing/plan.ts'
import {
  deliveredDestinations,
  destinationsOf,
  eventStatus,
  failingDestinations,
  isOpen,
  missedDestinations,
  openTimeline,
  settle,
  summarize,
  type Delivery,
  type Timeline,
} from '../domain/delivery/timeline.ts'
import { currentDetails, nameOf } from '../domain/delivery/trace.ts'
import { acknowledgeSignal } from './contract/acknowledgements.ts'
import { digestedSignal } from './contract/digests.ts'
import {
  attemptEndedSignal,
  cancelSignal,
  endBatchSignal,
  mostPerWorkflow,
  retryNowSignal,
  type RouteEventInput,
  timelineQuery,
} from './contract/event.ts'
import { inBatches, missedBy, missedByMany, searchAttributes } from './contract/lists.ts'
import { openExpiry, type Expiry } from './expiry.ts'
import { openTurns, type Turns } from './queues/turns.ts'

export type Places = NonNullable<RouteEventInput['places']>

/** What the steps of one event share: its timeline, and what was asked of it from outside. */
export interface Run {
  event: Event
  timeline: Timeline
  turns: Turns
  expiry: Expiry
  /** When the event was routed (ISO 8601, UTC): children go by it as well. */
  readonly plannedAt: string
  /** Whether operational events tell of its deliveries. */
  readonly announces: boolean
  /** Notes when the event was routed, and what its destinations are called. */
  begin(plannedAt: string, deliveries: readonly PlannedDelivery[]): void
  /** What the delivery's destination is called. */
  nameOf(delivery: Delivery): string
  /** What digests have told, by their workflow ids: the event that tells of this one, or none as it has left. */
  digested: Map<string, { eventId?: string | undefined }>
  /** First attempts that the opening did not wait for, by their deliveries' keys, once they have ended. */
  reported: Map<string, AttemptResult>
  /** Places in destinations' paces that the API has taken for the first attempts. */
  places: Places
  /** Deliveries that a child makes: the child shows them to lists, so that they stand in one search attribute only. */
  delegated: Set<Delivery>
  /**
   * Waits durably; `retryNow` ends the wait early, also one that came since the last wait, unless an attempt was made since.
   * A delivery that is to end, or whose event expires, ends. Says whether a retry was asked for. `summary` is what Temporal's UI
   * calls the timer (domain/trace.ts); likewise below.
   */
  wait(delivery: Delivery, delayMs: number, summary: string): Promise<boolean>
  /** An attempt was made: a retry that was asked for meanwhile asks for nothing more. */
  attempted(destinationId: string): void
  /** Waits until something comes about, for at most so long; likewise ended. Says whether it did. */
  waitUntil(delivery: Delivery, come: () => boolean, withinMs: number, summary: string): Promise<boolean>
  /** Waits durably for so long or until something comes about. */
  pause(delayMs: number, come: () => boolean, summary: string): Promise<void>
  /** Why nothing further begins, once there is a reason. */
  over(): string | undefined
  /**
   * The time as the history holds it (see `Expiry`): of the last thing that is known to have happened. ISO 8601, UTC; likewise
   * so long from then.
   */
  now(): string
  inMs(delayMs: number): string
  nowMs(): number
  /** Ends the delivery as skipped once there is a reason. `cancel` and the event's expiry end every delivery without this. */
  endWhen(delivery: Delivery, reason: () => string | undefined): void
  /** Whether no further attempt is to be made because of `cancel` or `endWhen`. */
  isToEnd(delivery: Delivery): boolean
  /** Ends the delivery if it is to end or the event has expired. */
  endIfAsked(delivery: Delivery): void
  /** Likewise if it has expired, whether or not it was cancelled. */
  expire(delivery: Delivery): void
  /** Shows what has changed to lists. */
  publish(): void
  /** Likewise when deliveries ended, if lists show the event already: an event that is done at once is shown once. */
  publishEnded(): void
  /** Passes on to a child what is asked of the event. */
  forward(requests: Requests): void
  /** Settles the event's state, shows it to lists, and gives the finished timeline. */
  close(): Timeline
}

const cancelledReason = 'cancelled on request'

/** What can be asked of an event from outside, by signals. */
export interface Requests {
  retryNow(destinationId: string): Promise<void>
  cancel(): Promise<void>
}

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
