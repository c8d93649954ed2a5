import { defineSignal } from '@temporalio/workflow'
import type { Acknowledgement } from '../../domain/delivery/timeline.ts'
import type { DigestEntry } from './digests.ts'

/** Stores an acknowledgement that arrived after its event's workflow had ended. */
export const acknowledgeEventType = 'acknowledgeEvent'

/** Names one run, because an event id can be reused after Temporal's retention. */
export function lateAcknowledgementId({
  workflowId,
  runId,
}: Pick<DigestEntry, 'workflowId' | 'runId'>): string {
  return `${workflowId}/ack/${runId}`
}

/** The memo of a late acknowledgement. Lists show its time. */
export interface LateAcknowledgementMemo {
  eventId: string
  acknowledgedAt: string
}

/** Acknowledges the event. Only the first acknowledgement counts. */
export const acknowledgeSignal = defineSignal<[Acknowledgement]>('acknowledge')
