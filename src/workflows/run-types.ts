import type { Event } from '../domain/event.ts'
import type { AttemptResult } from '../domain/delivery/outcome.ts'
import type { PlannedDelivery } from '../domain/routing/plan.ts'
import type { Delivery, Timeline } from '../domain/delivery/timeline.ts'
import type { RouteEventInput } from './contract/event.ts'
import type { Expiry } from './expiry.ts'

export type Places = NonNullable<RouteEventInput['places']>

/** What the steps of one event share: its timeline, and what was asked of it from outside. */
export interface Run {
  event: Event
  timeline: Timeline
  turns: Turns
  expiry: Expiry
  /** When the event was routed (ISO 8601, UTC): children go by it as well. */
  readonly plannedAt: string
  /** Whether operational events tell of its deliveries. */
  readonly announces: boolean
  /** Notes when the event was routed, and what its destinations are called. */
  begin(plannedAt: string, deliveries: readonly PlannedDelivery[]): void
  /** What the delivery's destination is called. */
  nameOf(delivery: Delivery): string
  /** What digests have told, by their workflow ids: the event that tells of this one, or none as it has left. */
  digested: Map<string, { eventId?: string | undefined }>
  /** First attempts that the opening did not wait for, by their deliveries' keys, once they have ended. */
  reported: Map<string, AttemptResult>
  /** Places in destinations' paces that the API has taken for the first attempts. */
  places: Places
  /** Deliveries that a child makes: the child shows them to lists, so that they stand in one search attribute only. */
  delegated: Set<Delivery>
  /**
   * Waits durably; `retryNow` ends the wait early, also one that came since the last wait, unless an attempt was made since.
   * A delivery that is to end, or whose event expires, ends. Says whether a retry was asked for. `summary` is what Temporal's UI
   * calls the timer (domain/trace.ts); likewise below.
   */
  wait(delivery: Delivery, delayMs: number, summary: string): Promise<boolean>
  /** An attempt was made: a retry that was asked for meanwhile asks for nothing more. */
  attempted(destinationId: string): void
  /** Waits until something comes about, for at most so long; likewise ended. Says whether it did. */
  waitUntil(delivery: Delivery, come: () => boolean, withinMs: number, summary: string): Promise<boolean>
  /** Waits durably for so long or until something comes about. */
  pause(delayMs: number, come: () => boolean, summary: string): Promise<void>
  /** Why nothing further begins, once there is a reason. */
  over(): string | undefined
  /**
   * The time as the history holds it (see `Expiry`): of the last thing that is known to have happened. ISO 8601, UTC; likewise
   * so long from then.
   */
  now(): string
  inMs(delayMs: number): string
  nowMs(): number
  /** Ends the delivery as skipped once there is a reason. `cancel` and the event's expiry end every delivery without this. */
  endWhen(delivery: Delivery, reason: () => string | undefined): void
  /** Whether no further attempt is to be made because of `cancel` or `endWhen`. */
  isToEnd(delivery: Delivery): boolean
  /** Ends the delivery if it is to end or the event has expired. */
  endIfAsked(delivery: Delivery): void
  /** Likewise if it has expired, whether or not it was cancelled. */
  expire(delivery: Delivery): void
  /** Shows what has changed to lists. */
  publish(): void
  /** Likewise when deliveries ended, if lists show the event already: an event that is done at once is shown once. */
  publishEnded(): void
  /** Passes on to a child what is asked of the event. */
  forward(requests: Requests): void
  /** Settles the event's state, shows it to lists, and gives the finished timeline. */
  close(): Timeline
}

/** What can be asked of an event from outside, by signals. */
export interface Requests {
  retryNow(destinationId: string): Promise<void>
  cancel(): Promise<void>
}

/** What a run knows of the queues that its deliveries stand in. */
export interface Turns {
  /** Queues whose turn has come, and when (Unix ms). */
  come: Map<string, number>
  /** Queues in which the API puts this run, before it acknowledges the event. */
  entered: Set<string>
  /** Queues in which a delivery stands. */
  standing: Set<string>
}
