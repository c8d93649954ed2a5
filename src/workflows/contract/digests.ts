import { defineSignal } from '@temporalio/workflow'
import type { Event } from '../../domain/event.ts'
import type { DigestOrders, PlannedDigest } from '../../domain/routing/plan.ts'

/** Collects events for a rule's `digest`, one workflow for each rule, version and key. */
export const collectDigestType = 'collectDigest'

export interface DigestInput extends Pick<Event, 'tenantId' | 'environment'> {
  /** What is done with the digest. */
  orders: DigestOrders
  windowMs: number
  max: number
  /** The path at which its events have the same value. */
  by?: string | undefined
  /** Carried over when its history has grown long. */
  waiting?: DigestEntry[] | undefined
}

/** An event that waits in a digest. Its data stays with its own workflow. */
export interface DigestEntry {
  workflowId: string
  runId: string
  /** Of its data as JSON. */
  bytes: number
}

/** Events that different quiet hours hold are in different digests: the digest is held by the windows of the event that began it. */
export function digestWorkflowId(
  { tenantId, environment }: Pick<Event, 'tenantId' | 'environment'>,
  { ruleId, version }: Pick<DigestOrders, 'ruleId' | 'version'>,
  { key, quiet }: Pick<PlannedDigest, 'key' | 'quiet'> = {},
): string {
  const held = quiet === undefined ? [] : ['quiet', quiet]
  return [tenantId, environment, 'digest', ruleId, version, key?.hash ?? 'all', ...held].join('/')
}

/** What the ids of all digests of a tenant's environment begin with. */
export function digestsPrefix({ tenantId, environment }: Pick<Event, 'tenantId' | 'environment'>): string {
  return [tenantId, environment, 'digest', ''].join('/')
}

export const collectSignal = defineSignal<[DigestEntry]>('collect')

/** Takes an event out of the digest, unless it is told of already: the answer is `digestedSignal`. */
export const leaveDigestSignal = defineSignal<[workflowId: string]>('leaveDigest')

/** Tells an event which one it was digested into, or that it has left the digest. */
export const digestedSignal =
  defineSignal<[digestWorkflowId: string, told: { at: string; eventId?: string | undefined }]>('digested')
