/** What a rule knows about a delivery at the time of an attempt. Messages use it to say why they are sent. */
export interface RuleContext {
  name: string
  cause?: Cause
  /** When the rule's wait for an acknowledgement ends (ISO 8601, UTC). Set if that wait follows the delivery's step. */
  acknowledgeBy?: string
}

/** Why a later step of a rule sends a message. */
export type Cause =
  /** The event was not acknowledged in time. */
  | { kind: 'escalation'; within: string }
  /** Deliveries of an earlier step failed: the first few of them, and how many more. */
  | { kind: 'fallback'; failures: Failure[]; more?: number }

interface Failure {
  destinationId: string
  error: string
}
