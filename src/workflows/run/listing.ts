import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow'
import {
  deliveredDestinations,
  listDestinationIds,
  failingDestinations,
  missedDestinations,
  summarize,
  type Delivery,
  type Timeline,
} from '../../domain/delivery/timeline.ts'
import { currentDetails } from '../../domain/delivery/trace.ts'
import { maxPerWorkflow } from '../contract/event.ts'
import { inBatches, missedBy, missedByMany, searchAttributes } from '../contract/lists.ts'
import type { Listing } from './types.ts'

export function createListing(timeline: Timeline): Listing {
  const names = new Map<string, string>()
  const delegated = new Set<Delivery>()
  const destinationName = (id: string) => names.get(id) ?? id
  let published = ''

  function publish(): void {
    setCurrentDetails(currentDetails(timeline, timeline.status, destinationName))
    const summary = summarize(timeline, delegated)
    const own = timeline.deliveries.filter((delivery) => !delegated.has(delivery))
    const failing = failingDestinations(own)
    const state = JSON.stringify([summary, failing])
    if (state === published) return
    published = state
    upsertMemo({ summary })
    upsertSearchAttributes([
      { key: searchAttributes.eventStatus, value: timeline.status },
      { key: searchAttributes.destinations, value: listedDestinations(timeline, own) },
      { key: searchAttributes.deliveredDestinations, value: deliveredDestinations(own) },
      { key: searchAttributes.failingDestinations, value: failing },
    ])
  }

  return {
    addNames(added) {
      for (const [id, name] of added) names.set(id, name)
    },
    destinationName,
    delegated,
    delegate(deliveries) {
      for (const delivery of deliveries) delegated.add(delivery)
    },
    publish,
    publishIfListed() {
      if (published !== '') publish()
    },
  }
}

/**
 * Destinations that missed the event (paused, disabled) are listed as long as there is room: the attribute holds
 * `maxPerWorkflow` plain ids, and an entry of a missed destination is longer than those.
 */
function listedDestinations(timeline: Timeline, own: readonly Delivery[]): string[] {
  const missed = missedDestinations(timeline)
  const room = Math.floor((maxPerWorkflow - own.length) * 0.8)
  return [
    ...listDestinationIds(own),
    ...(timeline.batches ? [inBatches] : []),
    ...missed.slice(0, room).map(missedBy),
    ...(missed.length > room ? [missedByMany] : []),
  ]
}
