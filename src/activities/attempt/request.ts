import type { SettledRecipients } from '../../domain/delivery/outcome.ts'
import type { Place } from '../../domain/delivery/pace.ts'
import type { RuleContext } from '../../domain/rules/cause.ts'

/** One attempt to make. It names the destination; what is secret is loaded here and never enters history. */
export interface AttemptRequest {
  destinationId: string
  number: number
  timeoutMs: number
  /** The place in the destination's pace that is kept for it. */
  place?: Place
  /** Somebody asked for it: it is made whether or not the destination's circuit is open. */
  now?: true
  /** Of a test at a URL that no destination has. */
  url?: string
  /** The path of the rule's step that makes it. */
  step?: string
  /** Id of the template that the message is made of. */
  template?: string
  /** The message tells how to acknowledge the event. */
  acknowledgeable?: true
  /** What the rule that makes it knows of it: the message says why it is sent. */
  rule?: RuleContext
  /** Of a message to several people: whom earlier attempts have settled. */
  settled?: SettledRecipients
}
