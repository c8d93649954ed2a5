import {
  givenUp,
  openTimeline,
  summarize,
  type DeliverySummary,
  type TimelineSummary,
} from '../../domain/delivery/timeline.ts'
import type { Execution } from './executions.ts'

/**
 * An execution's summary for lists: its memo, which needs no worker. As in the log, pending deliveries of a run that ended early
 * have failed.
 */
export function readSummary({ memo, endedEarly }: Pick<Execution, 'memo' | 'endedEarly'>): TimelineSummary {
  const summary = memo.summary ?? summarize(openTimeline())
  if (!endedEarly) return summary
  return { ...summary, status: 'failed', deliveries: summary.deliveries.map(givenUp) }
}

/** The deliveries without those of child workflows, which are in the child's own summary. Their order never changes. */
export function ownDeliveries({ deliveries, batched }: TimelineSummary): DeliverySummary[] {
  // Events from before `delegated` was written say only that children made them: all of them, at that time.
  if (batched && !deliveries.some(({ delegated }) => delegated)) return []
  return deliveries.filter(({ delegated }) => !delegated)
}

/** The replay that an execution, or the parent of one, is a run of, by its id (`replayWorkflowId`). */
export function readReplayId({ workflowId }: Pick<Execution, 'workflowId'>): string | undefined {
  const [, , , kind, id] = workflowId.split('/')
  return kind === 'replay' ? id : undefined
}
