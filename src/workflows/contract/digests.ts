import { defineSignal } from '@temporalio/workflow'
import type { Event } from '../../domain/event.ts'
import type { DigestOrders, PlannedDigest } from '../../domain/routing/plan.ts'

/** Collects events for a rule's `digest`. There is one workflow per rule, version and key. */
export const collectDigestType = 'collectDigest'

export interface DigestInput extends Pick<Event, 'tenantId' | 'environment'> {
  /** What to do with the digest. */
  orders: DigestOrders
  windowMs: number
  max: number
  /** The path at which all its events have the same value. */
  by?: string | undefined
  /** Carried over by continue-as-new. */
  waiting?: DigestEntry[] | undefined
}

/** An event in a digest. Its data stays in its own workflow. */
export interface DigestEntry {
  workflowId: string
  runId: string
  /** Size of its data as JSON. */
  bytes: number
}

/** Events held by different quiet hours go to different digests, because the first event's windows hold the whole digest. */
export function digestWorkflowId(
  { tenantId, environment }: Pick<Event, 'tenantId' | 'environment'>,
  { ruleId, version }: Pick<DigestOrders, 'ruleId' | 'version'>,
  { key, quiet }: Pick<PlannedDigest, 'key' | 'quiet'> = {},
): string {
  const held = quiet === undefined ? [] : ['quiet', quiet]
  return [tenantId, environment, 'digest', ruleId, version, key?.hash ?? 'all', ...held].join('/')
}

/** The prefix of the ids of all digests of a tenant's environment. */
export function digestsPrefix({ tenantId, environment }: Pick<Event, 'tenantId' | 'environment'>): string {
  return [tenantId, environment, 'digest', ''].join('/')
}

export const collectSignal = defineSignal<[DigestEntry]>('collect')

/** Removes an event from the digest unless it has been digested already. The digest answers with `digestedSignal`. */
export const leaveDigestSignal = defineSignal<[workflowId: string]>('leaveDigest')

/** Tells an event which event it was digested into, or that it has left the digest. */
export const digestedSignal =
  defineSignal<[digestWorkflowId: string, told: { at: string; eventId?: string | undefined }]>('digested')
