import type { AttemptResult } from '../../domain/delivery/outcome.ts'
import type { Delivery, Timeline } from '../../domain/delivery/timeline.ts'
import type { Event } from '../../domain/event.ts'
import type { RouteEventInput } from '../contract/event.ts'

/** Places at rate-limited destinations, by destination id. The API reserves them for first attempts. */
type Places = NonNullable<RouteEventInput['places']>

/** The state that all steps and deliveries of one event share. */
export interface Run {
  event: Event
  timeline: Timeline
  /** When the event was routed (ISO 8601, UTC). Child workflows use the same time. */
  plannedAt: string
  /** Whether operational events report on this event's deliveries. */
  readonly announces: boolean
  clock: Clock
  requests: Requests
  listing: Listing
  waits: Waits
  turns: Turns
  places: Places
  /** Answers of digests, by their workflow ids: the id of the event that contains this one, or none if this one has left. */
  digested: Map<string, { eventId?: string | undefined }>
  /** Results of first attempts that the opening did not wait for, by delivery key. */
  reported: Map<string, AttemptResult>
}

/**
 * The time as the history records it, and when the event expires. It advances by recorded times and a timer, not by the
 * workflow's own clock: when a query is answered for a workflow that had left the worker's cache, that clock may be at an earlier
 * workflow task than it is when the history is replayed.
 */
export interface Clock {
  /** Advances the clock to a time (Unix ms) from the history: the plan's, an attempt's, a signal's. */
  advanceTo(unixMs: number): void
  /** The latest recorded time (Unix ms). */
  nowMs(): number
  /** The latest recorded time (ISO 8601, UTC). */
  now(): string
  /** `delayMs` after that (ISO 8601, UTC). */
  in(delayMs: number): string
  /** Why a delivery fails that the event's expiry ends. */
  readonly expiryReason: string
  isExpired(): boolean
  expiresWithin(delayMs: number): boolean
  /**
   * Waits until the predicate holds or the event expires, for at most `maxMs`. Returns false if the time ran out. `summary` names
   * the timer in Temporal's UI (domain/delivery/trace.ts); so it does in the methods of `Waits`.
   */
  until(predicate: () => boolean, maxMs: number, summary: string): Promise<boolean>
}

/** What signals have requested, and why deliveries end early. */
export interface Requests {
  /** Why the event was cancelled, once it is. */
  readonly cancelled: string | undefined
  /** Whether a retry was requested for the destination since its last attempt. */
  isRetryRequested(destinationId: string): boolean
  /** Forgets a requested retry, once an attempt has been made. */
  clearRetry(destinationId: string): void
  /** Ends the delivery as skipped once `reason` returns one. Cancellation and expiry end every delivery anyway. */
  endWhen(delivery: Delivery, reason: Over): void
  /** Whether no further attempt may be made because of a cancellation or `endWhen`. */
  mustEnd(delivery: Delivery): boolean
  /** Ends the delivery if it must end or the event has expired. */
  endIfRequested(delivery: Delivery): void
  /** Ends the delivery if the event has expired. */
  endIfExpired(delivery: Delivery): void
  /** Why nothing further begins, once the event is cancelled or has expired. */
  over: Over
  /** Forwards all further requests to a child workflow. */
  forwardTo(child: RequestTarget): void
}

/** Returns why something has ended, or `undefined` while it goes on. */
export type Over = () => string | undefined

/** A workflow that takes the requests of its event. */
export interface RequestTarget {
  retryNow(destinationId: string): Promise<void>
  cancel(): Promise<void>
}

/** Keeps the search attributes and the memo up to date, by which lists show the event. */
export interface Listing {
  /** Records the destinations' display names, for Temporal's UI. */
  addNames(names: Iterable<readonly [destinationId: string, name: string]>): void
  destinationName(destinationId: string): string
  /** Deliveries made by a child workflow. The child lists them, so that each is in the search attributes of one workflow only. */
  readonly delegated: ReadonlySet<Delivery>
  delegate(deliveries: Iterable<Delivery>): void
  /** Writes what has changed. */
  publish(): void
  /** Writes what has changed if the event was published before. An event that is finished at once is published once. */
  publishIfListed(): void
}

/** Durable waits, all of which end early when the event is cancelled or expires. */
export interface Waits {
  /**
   * Waits before an attempt. A retry request ends the wait, also one that arrived since the last attempt. Ends the delivery if it
   * must end by then. Returns whether a retry was requested.
   */
  beforeAttempt(delivery: Delivery, delayMs: number, summary: string): Promise<boolean>
  /** Waits until the predicate holds, for at most `maxMs`; ends the delivery if it must end by then. Returns the predicate's value. */
  until(delivery: Delivery, predicate: () => boolean, maxMs: number, summary: string): Promise<boolean>
  /** Waits for `delayMs` or until the predicate holds. */
  pause(delayMs: number, predicate: () => boolean, summary: string): Promise<void>
}

/** The queues that this run's deliveries wait in. */
export interface Turns {
  /** Queues whose turn has come, and when (Unix ms). */
  come: Map<string, number>
  /** Queues that the API has entered on behalf of this run before it acknowledged the event. */
  entered: Set<string>
  /** Queues that a delivery is waiting in, or whose turn it has. */
  standing: Set<string>
}
