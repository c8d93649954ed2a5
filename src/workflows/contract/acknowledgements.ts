import { defineSignal } from '@temporalio/workflow'
import type { Acknowledgement } from '../../domain/delivery/timeline.ts'
import type { DigestEntry } from './digests.ts'

/** Holds an acknowledgement that came after its event's workflow had ended. */
export const acknowledgeEventType = 'acknowledgeEvent'

/** Of one run: an event id can be used again once Temporal has forgotten its event. */
export function lateAcknowledgementId({
  workflowId,
  runId,
}: Pick<DigestEntry, 'workflowId' | 'runId'>): string {
  return `${workflowId}/ack/${runId}`
}

/** The memo of a late acknowledgement: lists show when it was. */
export interface LateAcknowledgementMemo {
  eventId: string
  acknowledgedAt: string
}

/** Tells that somebody has taken notice of the event. The first one counts. */
export const acknowledgeSignal = defineSignal<[Acknowledgement]>('acknowledge')
