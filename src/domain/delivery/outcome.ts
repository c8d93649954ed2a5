import type { HeldBy } from './deadline.ts'
import type { Place } from './pace.ts'

/**
 * Where a failed attempt failed, told apart in the log: looking up the host, connecting, TLS, no answer in time, an answer
 * that is none, an address that is not allowed, what was answered (HTTP, SMTP), a destination that cannot be sent to as it is
 * set up, a fault of ours.
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

/** What an attempt came to. A channel classifies and never retries: the workflow alone does. */
export type Outcome = (
  | { kind: 'delivered' }
  /** Trying again cannot help. `gone`: the receiver asked not to be called again (HTTP 410). */
  | { kind: 'rejected'; error: string; errorClass?: ErrorClass; gone?: boolean }
  /** Worth another attempt, not before `retryAfterMs` where the receiver asked for it. */
  | {
      kind: 'failed'
      error: string
      errorClass?: ErrorClass
      retryAfterMs?: number
      /** Of a message to several people: who needs no further attempt, those of earlier attempts included. */
      recipients?: SettledRecipients
    }
) & {
  /** HTTP status or SMTP reply code, where there was an answer. */
  responseCode?: number
  /** The start of what was answered, at most `maxExcerptBytes`. */
  responseExcerpt?: string
  /** The headers that were sent, those that are a tenant's secret masked. */
  requestHeaders?: Record<string, string>
  /** The receiver refused what the message says, and not whom it goes to: another wording may be taken. */
  refusedContent?: true
}

/** The receiver is well and takes no more for now (HTTP 429). That is not a failure of the destination. */
export function isThrottled({ responseCode }: Pick<Outcome, 'responseCode'>): boolean {
  return responseCode === 429
}

/** Addresses of those who have a message, and of those who will never be sent it. */
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

/** One try of a delivery as the log keeps it. `at` is when it began (ISO 8601, UTC). */
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
  /** What the message was to be made of. */
  template?: TemplateRef
  /** Why it was not, and the default message was sent instead. */
  templateFault?: string
}

/** Of a `templateFault`, in characters. */
export const maxTemplateFaultLength = 500

/** Why a destination is to be disabled. It is not, if it has been changed meanwhile (see `DestinationSeen`). */
export interface DisableOrder {
  reason: string
  version: number
  recoveries?: number
}

/** What asking for an attempt came to. Only `attempted` is an attempt: otherwise nothing was sent. */
export type AttemptResult =
  | {
      kind: 'attempted'
      at: string
      durationMs: number
      outcome: Outcome
      /** See `Attempt`. */
      template?: TemplateRef
      templateFault?: string
      /** The destination is not to be called again: it said so, or has only failed for too long. */
      disable?: DisableOrder
    }
  /** `missed`: the destination would have got it, had it been active. */
  | { kind: 'skipped'; reason: string; missed?: true }
  /** To be made on the slow lane. */
  | { kind: 'deferred'; reason: string }
  /** Not yet: ask again in `retryInMs`, and give back the place in the pace, where one is kept for it. */
  | { kind: 'held'; by: HeldBy; reason: string; retryInMs: number; place?: Place }
  /** The event had expired before it could be made. */
  | { kind: 'expired' }
  /** The fault is ours (the database, say). `error` is for the history, not for tenants: it may name hosts of ours. */
  | { kind: 'unavailable'; error?: string }

/** What an opening knows of a first attempt. One that is in progress goes on in the worker's process, which reports its end. */
export type FirstResult = AttemptResult | { kind: 'inProgress' }
