import { setHandler } from '@temporalio/workflow'
import type { Timeline } from '../domain/delivery/timeline.ts'
import { timelineQuery, type TombstoneInput } from './contract/event.ts'

/** The tombstone of a run whose event was erased. Its search attributes and memo are set at its start. */
export function tombstone({ timeline }: TombstoneInput): Timeline {
  setHandler(timelineQuery, () => timeline)
  return timeline
}
