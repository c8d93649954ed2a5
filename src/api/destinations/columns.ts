import { isDeepStrictEqual } from 'node:util'
import type { Channel } from '../../channels/channel.ts'
import type { Destination } from '../../db/destinations/destinations.ts'
import type { DeliveryPolicy } from '../../domain/destination.ts'
import type { JsonObject } from '../../domain/event.ts'

/** The statuses that a client can set. `disabled` is set by Switchyard only. */
export type ChosenStatus = 'active' | 'paused'

/** Returns the columns for a status that a client has set. */
export function chosen(status: ChosenStatus) {
  const statusReason = status === 'paused' ? 'paused by the API' : null
  return { status, statusReason, statusAt: new Date() }
}

export function changesTarget(
  current: Destination,
  { config, status = current.status }: { config: JsonObject; status?: Destination['status'] },
): boolean {
  return status !== current.status || !isDeepStrictEqual(config, current.config)
}

/** Attempts in progress and open circuits say nothing about the new target, so their state is reset. */
export const targetChanged = {
  failingSince: null,
  version: { increment: 1 },
  recoveries: { increment: 1 },
} as const

/** Returns the columns of a delivery policy. Without a rate limit of its own, the destination gets the channel's. */
export function policy(channel: Channel, given: DeliveryPolicy) {
  const delivery = { ...given, maxPerSecond: given.maxPerSecond ?? channel.maxPerSecond }
  const placed = delivery.ordering !== undefined || delivery.maxPerSecond !== undefined
  return { delivery, placed }
}

/** Omitted fields keep their values; `null` removes an optional field. */
export type PolicyChange = { [Field in keyof DeliveryPolicy]?: DeliveryPolicy[Field] | null }

export function mergePolicy(
  current: DeliveryPolicy,
  { schedule, timeoutMs, ...optional }: PolicyChange,
): DeliveryPolicy {
  const changed = { ...current, ...optional }
  return {
    schedule: schedule ?? current.schedule,
    timeoutMs: timeoutMs ?? current.timeoutMs,
    maxPerSecond: changed.maxPerSecond ?? undefined,
    maxConcurrent: changed.maxConcurrent ?? undefined,
    ordering: changed.ordering ?? undefined,
  }
}
