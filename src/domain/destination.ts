import type { Environment, JsonObject } from './event.ts'

export const destinationStatuses = ['active', 'paused', 'disabled'] as const
export type DestinationStatus = (typeof destinationStatuses)[number]

/** Which events a destination hears of: types (exact, globs such as `aml.*`, or `all`) and an optional payload filter. */
export type Subscription = {
  eventTypes: string[]
  filter?: JsonObject | undefined
}

/** How a destination is delivered to. `schedule[0]` is the delay before the first attempt, as in `"0s"`. */
export type DeliveryPolicy = {
  schedule: string[]
  timeoutMs: number
}

/** The part of a destination that routing decides by. It holds no secret. */
export interface RoutableDestination {
  id: string
  channel: string
  environment: Environment
  status: DestinationStatus
  statusReason?: string | undefined
  subscription: Subscription
  delivery: DeliveryPolicy
}
