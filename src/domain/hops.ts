import type { Event } from './event.ts'

/**
 * Sent with every webhook: the number of webhooks that led to it, itself included. Receivers that post an event because of a
 * webhook send it back, so that loops end. Prior art: `Max-Forwards` (RFC 9110, 7.6.2), `CDN-Loop` (RFC 8586).
 */
export const hopsHeader = 'Switchyard-Hops'

/** Events with more hops are refused. */
export const maxHops = 8

/** The value of the header on the webhooks of this event. */
export function nextHops({ hops = 0 }: Pick<Event, 'hops'>): string {
  return String(hops + 1)
}

/** The event as restarted by a call with `hops` hops. */
export function withHops(event: Event, hops: number): Event {
  return hops > (event.hops ?? 0) ? { ...event, hops } : event
}
