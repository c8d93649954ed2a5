import type { Event } from '../domain/event.ts'

/** The content of a message, rendered by a template or as the default message. */
export interface Composition {
  event: Event
  destination: { id: string; name: string }
  /** The path of the rule's step that sends it: a later step sends another message to the same destination. */
  step?: string
  /** The acknowledgement link, if a rule waits for an acknowledgement. */
  acknowledgeUrl?: string
  /** When the rule stops waiting for that (ISO 8601, UTC). */
  acknowledgeBy?: string
  /** The tenant's name. */
  tenant?: string
  /** What happened, in one line. Defaults to the event type in words. */
  title?: string
  /** The name of the rule that sends it. */
  rule?: string
  /** Why it is sent, where that is not simply that the event happened, as in "escalated: not acknowledged within 15 min". */
  reason?: string
}
