/** What the rule that makes a delivery knows of it by the time of an attempt: its messages say why they are sent. */
export interface RuleContext {
  name: string
  cause?: Cause
  /** When the rule's wait for an acknowledgement ends (ISO 8601, UTC), where the delivery stands right before that. */
  acknowledgeBy?: string
}

/** Why a later step of a rule sends a message. */
export type Cause =
  /** Nobody acknowledged the event in time. */
  | { kind: 'escalation'; within: string }
  /** Deliveries of an earlier step have not arrived: the first few of them, and how many more. */
  | { kind: 'fallback'; failures: Failure[]; more?: number }

export interface Failure {
  destinationId: string
  error: string
}
