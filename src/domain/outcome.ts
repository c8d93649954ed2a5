/** What an attempt came to. A channel classifies and never retries: the workflow alone does (DESIGN §2, STYLE 2). */
export type Outcome = (
  | { kind: 'delivered' }
  /** Trying again cannot help. `gone`: the receiver asked not to be called again (HTTP 410). */
  | { kind: 'rejected'; error: string; gone?: boolean }
  /** Worth another attempt, not before `retryAfterMs` where the receiver asked for it. */
  | { kind: 'failed'; error: string; retryAfterMs?: number }
) & {
  /** HTTP status or SMTP reply code, where there was an answer. */
  responseCode?: number
  /** The start of what was answered, at most `excerptMaxBytes`. */
  responseExcerpt?: string
}

export const excerptMaxBytes = 2048

/** One try of a delivery as the log keeps it. `at` is when it began (ISO 8601, UTC). */
export interface Attempt {
  number: number
  at: string
  durationMs: number
  outcome: Outcome['kind']
  responseCode?: number
  responseExcerpt?: string
  error?: string
}

/** What asking for an attempt came to. Neither `skipped` nor `deferred` is an attempt: nothing was sent. */
export type AttemptResult =
  | { kind: 'attempted'; at: string; durationMs: number; outcome: Outcome }
  | { kind: 'skipped'; reason: string }
  | { kind: 'deferred'; reason: string }
