import { isDeepStrictEqual } from 'node:util'
import type { Channel } from '../../channels/channel.ts'
import type { Destination } from '../../db/destinations/destinations.ts'
import type { DeliveryPolicy } from '../../domain/destination.ts'
import type { JsonObject } from '../../domain/event.ts'

/** `disabled` is never chosen: it is what a destination comes to. */
export type ChosenStatus = 'active' | 'paused'

/** The columns of a status. */
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

/** Attempts under way and circuits that are open tell nothing of what it is now. */
export const targetChanged = {
  failingSince: null,
  version: { increment: 1 },
  recoveries: { increment: 1 },
} as const

/** The columns of a delivery policy. Where it names no rate limit, the channel's own applies. */
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
