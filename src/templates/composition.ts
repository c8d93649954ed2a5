import type { Event } from '../domain/event.ts'

/** What a message is composed of, by a template or without one. */
export interface Composition {
  event: Event
  destination: { id: string; name: string }
  /** The path of the rule's step that sends it: a later step sends another message to the same destination. */
  step?: string
  /** Where whoever reads it takes notice of the event, if somebody waits for that. */
  acknowledgeUrl?: string
  /** When the rule stops waiting for that (ISO 8601, UTC). */
  acknowledgeBy?: string
  /** The tenant's name. */
  tenant?: string
  /** What happened, in a line; without it the event type in words. */
  title?: string
  /** The name of the rule that sends it. */
  rule?: string
  /** Why it is sent, where that is not simply that the event happened, as in "escalated: not acknowledged within 15 min". */
  reason?: string
}
