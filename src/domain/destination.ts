import type { Environment, JsonObject } from './event.ts'

export const destinationStatuses = ['active', 'paused', 'disabled'] as const
export type DestinationStatus = (typeof destinationStatuses)[number]

/** Why nothing is sent to a destination that is not active. */
export function whyInactive({
  status,
  statusReason,
}: Pick<RoutableDestination, 'status' | 'statusReason'>): string | undefined {
  if (status === 'active') return undefined
  return statusReason ? `the destination is ${status}: ${statusReason}` : `the destination is ${status}`
}

/** The events that a destination receives: types (exact, globs such as `aml.*`, or `all`) and an optional payload filter. */
export type Subscription = {
  eventTypes: string[]
  filter?: JsonObject
}

/** The delivery policy of a destination. `schedule[0]` is the delay before the first attempt, as in `"0s"`. */
export type DeliveryPolicy = {
  schedule: string[]
  timeoutMs: number
  /** Attempts a second, over all workers. */
  maxPerSecond?: number
  /** Concurrent attempts across all workers. */
  maxConcurrent?: number
  /** Deliveries whose events have the same value at this path, as in `data.customerId`, are made one after the other. */
  ordering?: { by: string }
}

/** A destination that has only failed for this long is disabled. */
export const disableAfterFailingMs = 5 * 24 * 3600 * 1000

/** The part of a destination that routing needs. It contains no secret. */
export interface RoutableDestination {
  id: string
  name: string
  channel: string
  environment: Environment
  status: DestinationStatus
  statusReason?: string
  subscription: Subscription
  /** The adopted contract whose API created it. */
  contract?: string
  delivery: DeliveryPolicy
}
