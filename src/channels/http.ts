import { STATUS_CODES } from 'node:http'
import { request, type Dispatcher } from 'undici'
import type { Environment } from '../domain/event.ts'
import { excerptMaxBytes, type Outcome } from '../domain/outcome.ts'
import { EgressRefused, type Egress } from './egress.ts'
import { describeNetworkError, parseRetryAfter } from './network.ts'

export interface Post {
  url: string
  headers: Record<string, string>
  body: string
  timeoutMs: number
  environment: Environment
  egress: Egress
}

export type Answer =
  | { kind: 'answered'; status: number; excerpt: string; retryAfterMs?: number }
  | { kind: 'unreachable'; error: string }

/**
 * Posts once, within `timeoutMs` to the answer's status line. Redirects are not followed. Of the body at most
 * `excerptMaxBytes` are read, and nothing is read past the timeout: an endless answer holds nobody up.
 */
export async function post({ url, headers, body, timeoutMs, environment, egress }: Post): Promise<Answer> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    // A literal address is connected to without a look-up, so the guard there never sees it.
    if (egress.refusal(new URL(url).hostname, environment)) throw new EgressRefused()
    const response = await request(url, {
      method: 'POST',
      headers,
      body,
      signal,
      dispatcher: egress.dispatcher(environment),
    })
    const retryAfterMs = parseRetryAfter(single(response.headers['retry-after']), new Date())
    return {
      kind: 'answered',
      status: response.statusCode,
      excerpt: await readExcerpt(response),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    }
  } catch (error) {
    return { kind: 'unreachable', error: describeNetworkError(error, timeoutMs) }
  }
}

/**
 * What an HTTP answer means for a delivery (DESIGN §3): any 2xx is success; 410 says never again; everything else,
 * redirects and other 4xx included, is worth another attempt. `Retry-After` counts where HTTP defines it.
 */
export function classifyHttp(answer: Answer): Outcome {
  if (answer.kind === 'unreachable') return { kind: 'failed', error: answer.error }
  const { status, excerpt, retryAfterMs } = answer
  const seen = { responseCode: status, responseExcerpt: excerpt }
  if (status >= 200 && status < 300) return { kind: 'delivered', ...seen }
  if (status === 410)
    return { kind: 'rejected', error: 'HTTP 410: the receiver is gone', gone: true, ...seen }
  if (status >= 300 && status < 400)
    return { kind: 'failed', error: `HTTP ${status}: redirects are not followed`, ...seen }
  const phrase = STATUS_CODES[status]
  const error = phrase ? `HTTP ${status}: ${phrase}` : `HTTP ${status}`
  const asksToWait = retryAfterMs !== undefined && [429, 502, 503, 504].includes(status)
  return { kind: 'failed', error, ...(asksToWait && { retryAfterMs }), ...seen }
}

/** Control characters, but for tabs and line breaks: JSON would write each as six bytes, PostgreSQL and people read none. */
const unreadable = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/g

async function readExcerpt({ body }: Dispatcher.ResponseData): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= excerptMaxBytes) break
    }
  } catch {
    // The status is known, and it decides. A body that breaks off or outlasts the timeout is an excerpt cut short.
  }
  return Buffer.concat(chunks).subarray(0, excerptMaxBytes).toString('utf8').replace(unreadable, '\uFFFD')
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
