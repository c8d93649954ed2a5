import type { HeldBy } from './deadline.ts'
import type { PaceReservation } from './pace.ts'

/**
 * Error classes of failed attempts: DNS, connection, TLS, timeout, invalid response, blocked address, response status (HTTP,
 * SMTP), incomplete set-up of the destination, internal error.
 */
export const errorClasses = [
  'dns',
  'connection',
  'tls',
  'timeout',
  'protocol',
  'blocked',
  'http',
  'smtp',
  'setup',
  'internal',
] as const
export type ErrorClass = (typeof errorClasses)[number]

/** The outcome of an attempt. A channel classifies and never retries; only the workflow does. */
export type Outcome = (
  | { kind: 'delivered' }
  /** Retrying cannot help. `gone`: the receiver answered HTTP 410. */
  | { kind: 'rejected'; error: string; errorClass?: ErrorClass; gone?: boolean }
  /** Worth a retry, not before `retryAfterMs` if the receiver asked for it. */
  | {
      kind: 'failed'
      error: string
      errorClass?: ErrorClass
      retryAfterMs?: number
      /** For messages to several people: who needs no further attempt, including those of earlier attempts. */
      recipients?: SettledRecipients
    }
) & {
  /** HTTP status or SMTP reply code, if there was an answer. */
  responseCode?: number
  /** The start of what was answered, at most `maxExcerptBytes`. */
  responseExcerpt?: string
  /** The request's headers, with a tenant's secrets masked. */
  requestHeaders?: Record<string, string>
  /** The receiver rejected the content, not the recipient: a different text may be accepted. */
  refusedContent?: true
}

/** The receiver is healthy but accepts no more for now (HTTP 429), which is not a failure of the destination. */
export function isThrottled({ responseCode }: Pick<Outcome, 'responseCode'>): boolean {
  return responseCode === 429
}

/** Addresses that have received the message, and addresses that will never receive it. */
export interface SettledRecipients {
  reached: string[]
  refused: string[]
}

/** A template as it was at a version. */
export interface TemplateRef {
  id: string
  version: number
}

export const maxExcerptBytes = 2048

/** One attempt as the log keeps it. `at` is when it began (ISO 8601, UTC). */
export interface Attempt {
  number: number
  at: string
  durationMs: number
  outcome: Outcome['kind']
  responseCode?: number
  responseExcerpt?: string
  requestHeaders?: Record<string, string>
  error?: string
  errorClass?: ErrorClass
  /** The template that the message was to be made from. */
  template?: TemplateRef
  /** Why the default message was sent instead. */
  templateFault?: string
}

/** The maximum length of a `templateFault` in characters. */
export const maxTemplateFaultLength = 500

/** Why to disable a destination. Ignored if the destination has been changed meanwhile (see `DestinationSeen`). */
export interface DisableOrder {
  reason: string
  version: number
  recoveries?: number
}

/** The result of requesting an attempt. Only `attempted` is an attempt; otherwise nothing was sent. */
export type AttemptResult =
  | {
      kind: 'attempted'
      at: string
      durationMs: number
      outcome: Outcome
      /** See `Attempt`. */
      template?: TemplateRef
      templateFault?: string
      /** Disable the destination: it answered 410, or has only failed for too long. */
      disable?: DisableOrder
    }
  /** `missed`: the destination would have received it if it had been active. */
  | { kind: 'skipped'; reason: string; missed?: true }
  /** To be made on the slow lane. */
  | { kind: 'deferred'; reason: string }
  /** Not yet: ask again in `retryInMs`, with `place` as the reservation if there is one. */
  | { kind: 'held'; by: HeldBy; reason: string; retryInMs: number; place?: PaceReservation }
  /** The event had expired before it could be made. */
  | { kind: 'expired' }
  /**
   * An internal error (such as the database's). `error` is for the history, not for tenants: it may contain internal host names.
   */
  | { kind: 'unavailable'; error?: string }

/**
 * The state of a first attempt when the activity returns. One in progress continues in the worker's process, which reports its
 * result.
 */
export type FirstResult = AttemptResult | { kind: 'inProgress' }
