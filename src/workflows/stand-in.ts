import { setHandler } from '@temporalio/workflow'
import type { Timeline } from '../domain/delivery/timeline.ts'
import { timelineQuery, type StandInInput } from './contract/event.ts'

/** The tombstone of a run whose event was erased. Its search attributes and memo are set at its start. */
export function standIn({ timeline }: StandInInput): Timeline {
  setHandler(timelineQuery, () => timeline)
  return timeline
}
