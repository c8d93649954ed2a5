import type { SettledRecipients } from '../../domain/delivery/outcome.ts'
import type { PaceReservation } from '../../domain/delivery/pace.ts'
import type { RuleContext } from '../../domain/rules/cause.ts'

/** The request for one attempt. It names the destination; secrets are loaded in the activity and never enter history. */
export interface AttemptRequest {
  destinationId: string
  number: number
  timeoutMs: number
  /** The attempt's reservation in the destination's pace. */
  place?: PaceReservation
  /** A manual retry: made whether or not the destination's circuit is open. */
  now?: true
  /** Set on tests of a URL that belongs to no destination. */
  url?: string
  /** The path of the rule's step that makes it. */
  step?: string
  /** Id of the template that the message is made of. */
  template?: string
  /** The message says how to acknowledge the event. */
  acknowledgeable?: true
  /** The rule that makes the delivery, so that the message can say why it is sent. */
  rule?: RuleContext
  /** Set on messages to several people: the recipients who need no further attempt. */
  settled?: SettledRecipients
}
