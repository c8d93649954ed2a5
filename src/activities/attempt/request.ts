import type { SettledRecipients } from '../../domain/delivery/outcome.ts'
import type { Place } from '../../domain/delivery/pace.ts'
import type { RuleContext } from '../../domain/rules/cause.ts'

/** One attempt to make. It names the destination; what is secret is loaded here and never enters history. */
export interface AttemptRequest {
  destinationId: string
  number: number
  timeoutMs: number
  /** The place in the destination's pace that is kept for it. */
  place?: Place | undefined
  /** Somebody asked for it: it is made whether or not the destination's circuit is open. */
  now?: true | undefined
  /** Of a test at a URL that no destination has. */
  url?: string | undefined
  /** The path of the rule's step that makes it. */
  step?: string | undefined
  /** Id of the template that the message is made of. */
  template?: string | undefined
  /** The message tells how to acknowledge the event. */
  acknowledgeable?: true | undefined
  /** What the rule that makes it knows of it: the message says why it is sent. */
  rule?: RuleContext | undefined
  /** Of a message to several people: whom earlier attempts have settled. */
  settled?: SettledRecipients | undefined
}
