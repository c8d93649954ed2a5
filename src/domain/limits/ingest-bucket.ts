/**
 * A tenant's ingest limit as a token bucket that may be overdrawn: it holds one second's worth of events and refills at
 * `perSecond`. A call is accepted while the bucket is not empty, whatever the number of its events, so that a batch larger than
 * the bucket is not refused forever; calls after it wait until it is paid back. A refusal takes nothing.
 */
export interface IngestBucket {
  /** When everything taken so far is paid back (Unix ms). */
  paidAtMs: number
  /** The latest time that refused callers were told to wait for (Unix ms). The next one is told to come after it. */
  promisedAtMs: number
}

export interface IngestCall {
  perSecond: number
  /** 0 only looks whether a call would be accepted. */
  events: number
  nowMs: number
}

export type IngestVerdict = { bucket: IngestBucket } & (
  { accepted: true; left: number } | { accepted: false; retryAfterMs: number }
)

/** The bucket's size as time: a call is accepted unless this much is owed. */
const bucketMs = 1000

/** Callers that ignore `Retry-After` cannot push the time told to others beyond this. */
const maxPromiseMs = 10_000

export function takeFrom(
  { paidAtMs, promisedAtMs }: IngestBucket,
  { perSecond, events, nowMs }: IngestCall,
): IngestVerdict {
  const costMs = (events * 1000) / perSecond
  const owedUntilMs = Math.max(paidAtMs, nowMs)
  if (owedUntilMs - nowMs < bucketMs) {
    const bucket = { paidAtMs: owedUntilMs + costMs, promisedAtMs }
    const left = Math.floor(((bucketMs - (bucket.paidAtMs - nowMs)) * perSecond) / 1000)
    return { bucket, accepted: true, left: Math.max(0, left) }
  }
  const nextMs = Math.max(owedUntilMs - bucketMs, Math.min(promisedAtMs, nowMs + maxPromiseMs))
  return {
    bucket: { paidAtMs, promisedAtMs: nextMs + costMs },
    accepted: false,
    retryAfterMs: nextMs - nowMs,
  }
}

/** Returns events that were taken and then not accepted. */
export function returnTo(
  bucket: IngestBucket,
  { perSecond, events }: Pick<IngestCall, 'perSecond' | 'events'>,
): IngestBucket {
  return { ...bucket, paidAtMs: bucket.paidAtMs - (events * 1000) / perSecond }
}
