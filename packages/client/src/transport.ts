import { ApiError, ConnectionError } from './errors.ts'
import { parseRetryAfter, retryDelayMs, sleep, type RetryPolicy } from './retry-timing.ts'

export interface SwitchyardOptions extends Partial<RetryPolicy> {
  /** A tenant's key, `sk_test_…` or `sk_live_…`, or the platform key. */
  apiKey: string
  /** Where Switchyard is served, such as `https://switchyard.example.com`. */
  baseUrl: string
  /** The time for one attempt, by default a minute: a test event waits for its receiver. */
  timeoutMs?: number
  /** By default the global `fetch`. */
  fetch?: typeof fetch
}

/** Options of every call. */
export interface RequestOptions {
  /** Aborts the call, including its retries. */
  signal?: AbortSignal
  timeoutMs?: number
}

export interface TransportRequest {
  method: string
  /** With its query. */
  path: string
  headers: Record<string, string>
  body?: unknown
  /** True if sending the request twice has the effect of sending it once. */
  isRepeatable: boolean
}

export type Transport = (request: TransportRequest, options: RequestOptions) => Promise<unknown>

const defaults = { maxRetries: 3, minDelayMs: 500, maxDelayMs: 30_000, timeoutMs: 60_000 }

/** Sends requests, and sends them again after 429 and 503, and after network errors if they are repeatable. */
export function createTransport({
  apiKey,
  baseUrl,
  fetch = globalThis.fetch,
  ...settings
}: SwitchyardOptions) {
  const root = baseUrl.replace(/\/+$/, '')
  const policy = { ...defaults, ...settings }

  async function attempt(request: TransportRequest, { signal, timeoutMs }: RequestOptions): Promise<Outcome> {
    const timeout = AbortSignal.timeout(timeoutMs ?? policy.timeoutMs)
    const { method, path, headers, body } = request
    try {
      // Called without a receiver: browsers refuse any other than the window.
      const response = await fetch(root + path, {
        method,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${apiKey}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? null : JSON.stringify(body),
        // The API does not redirect, and the key is for this host only.
        redirect: 'manual',
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      })
      return readOutcome(response, await response.text())
    } catch (cause) {
      signal?.throwIfAborted()
      const why = timeout.aborted ? 'timed out' : 'failed'
      return { kind: 'failed', error: new ConnectionError(`${method} ${path} ${why}.`, { cause }) }
    }
  }

  return async function send(request: TransportRequest, options: RequestOptions): Promise<unknown> {
    for (let number = 1; ; number++) {
      const outcome = await attempt(request, options)
      if (outcome.kind === 'done') return outcome.body
      const delayMs = shouldRetry(outcome, request)
        ? retryDelayMs(policy, number, outcome.kind === 'refused' ? outcome.error.retryAfterMs : undefined)
        : undefined
      if (delayMs === undefined) throw outcome.error
      await sleep(delayMs, options.signal)
    }
  } satisfies Transport
}

type Outcome =
  | { kind: 'done'; body: unknown }
  | { kind: 'refused'; error: ApiError }
  | { kind: 'failed'; error: ConnectionError }

/** 429 and 503 are sent before anything is stored. */
function shouldRetry(outcome: Exclude<Outcome, { kind: 'done' }>, request: TransportRequest): boolean {
  return outcome.kind === 'failed' ? request.isRepeatable : [429, 503].includes(outcome.error.status)
}

function readOutcome({ ok, status, headers }: Response, text: string): Outcome {
  if (ok && text === '') return { kind: 'done', body: undefined }
  const body = parseJson(text)
  if (ok && body.isJson) return { kind: 'done', body: body.value }
  return {
    kind: 'refused',
    error: new ApiError(status, body.value, parseRetryAfter(headers.get('retry-after'))),
  }
}

function parseJson(text: string): { isJson: boolean; value: unknown } {
  try {
    return { isJson: true, value: JSON.parse(text) }
  } catch {
    return { isJson: false, value: text }
  }
}
