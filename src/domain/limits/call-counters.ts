import type { IngestCall, IngestVerdict } from './ingest-bucket.ts'

/** Counts API calls: in memory for a single process, in PostgreSQL if several processes share the limits. */
export interface CallCounters {
  /** Counts a call in every window, or in none if one of them is full. Answers in the order of the windows. */
  countCall(windows: readonly CallWindow[]): Promise<WindowState[]>
  /** Takes back a call that was counted. */
  refundCall(windows: readonly CallWindow[]): Promise<void>
  /** Takes events from a tenant's ingest bucket, or returns when to retry. */
  takeEvents(asked: { tenantId: string } & Omit<IngestCall, 'nowMs'>): Promise<IngestVerdict>
  /** Returns events that were taken and then not accepted. */
  returnEvents(returned: { tenantId: string } & Omit<IngestCall, 'nowMs'>): Promise<void>
}

/** A fixed window of `seconds`, in which a key has at most `max` calls. */
export interface CallWindow {
  key: string
  max: number
  seconds: number
}

export interface WindowState {
  /** Calls in the window, this one included if it was counted. */
  calls: number
  /** Until the window ends. */
  leftMs: number
  /** The window was full: the call was counted nowhere. */
  full: boolean
}
