import { setHandler, workflowInfo } from '@temporalio/workflow'
import { eventStatus, openTimeline, type Timeline } from '../../domain/delivery/timeline.ts'
import { displayName } from '../../domain/delivery/trace.ts'
import type { Event } from '../../domain/event.ts'
import type { PlannedDelivery } from '../../domain/routing/plan.ts'
import { acknowledgeSignal } from '../contract/acknowledgements.ts'
import { digestedSignal } from '../contract/digests.ts'
import { attemptEndedSignal, timelineQuery, type RouteEventInput } from '../contract/event.ts'
import { openTurns } from '../queues/turns.ts'
import { createClock } from './clock.ts'
import { createListing } from './listing.ts'
import { openRequests } from './requests.ts'
import type { Run } from './types.ts'
import { createWaits } from './waits.ts'

/** What the API reserved before the workflow started. */
type Reserved = Pick<RouteEventInput, 'places' | 'queues'>

/** Opens an event's timeline and attaches its query and its signals. */
export function openRun(event: Event, { places = {}, queues = [] }: Reserved): Run {
  const { startTime } = workflowInfo()
  const timeline = openTimeline()
  setHandler(timelineQuery, () => timeline)
  const clock = createClock(event, startTime.getTime())
  const requests = openRequests(clock)
  const listing = createListing(timeline)
  const run: Run = {
    event,
    timeline,
    plannedAt: startTime.toISOString(),
    announces: !event.operational && !event.test,
    clock,
    requests,
    listing,
    waits: createWaits(clock, requests, listing),
    turns: openTurns(queues),
    places,
    digested: new Map(),
    reported: new Map(),
  }
  listenForReports(run)
  return run
}

/** Signals that arrived before the first workflow task are handled as soon as their handler is attached. */
function listenForReports({ timeline, clock, listing, digested, reported }: Run): void {
  setHandler(attemptEndedSignal, (key, result) => void reported.set(key, result))
  setHandler(acknowledgeSignal, (acknowledgement) => {
    if (timeline.acknowledgement) return
    timeline.acknowledgement = acknowledgement
    clock.advanceTo(Date.parse(acknowledgement.at))
    listing.publishIfListed()
  })
  setHandler(digestedSignal, (digestWorkflowId, { at, eventId }) => {
    // Leaving a digest that began later does not undo that an earlier one contains the event.
    if (eventId !== undefined || !digested.has(digestWorkflowId)) digested.set(digestWorkflowId, { eventId })
    clock.advanceTo(Date.parse(at))
  })
}

/** Records when the event was routed, and its destinations' names. */
export function beginRun(run: Run, plannedAt: string, deliveries: readonly PlannedDelivery[]): void {
  run.plannedAt = plannedAt
  run.listing.addNames(deliveries.map((planned) => [planned.destinationId, displayName(planned)]))
  run.clock.advanceTo(Date.parse(plannedAt))
}

/** Settles and publishes the event's status, and returns the finished timeline. */
export function closeRun({ timeline, listing }: Run): Timeline {
  timeline.status = eventStatus(timeline.deliveries, timeline.steps)
  listing.publish()
  return timeline
}
