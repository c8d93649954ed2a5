import type { Event } from './event.ts'

/**
 * Sent with every webhook: the number of webhooks that led to it, itself included. Whoever posts an event because of a webhook
 * sends it back, so that a loop ends. Prior art: `Max-Forwards` (RFC 9110, 7.6.2), `CDN-Loop` (RFC 8586).
 */
export const hopsHeader = 'Switchyard-Hops'

/** An event that more webhooks have led to is refused. */
export const maxHops = 8

/** The value of the header on the webhooks of this event. */
export function nextHops({ hops = 0 }: Pick<Event, 'hops'>): string {
  return String(hops + 1)
}

/** The event as begun again by a call that `hops` webhooks led to. */
export function withHops(event: Event, hops: number): Event {
  return hops > (event.hops ?? 0) ? { ...event, hops } : event
}
