import { STATUS_CODES } from 'node:http'
import { request, type Dispatcher } from 'undici'
import type { Environment } from '../domain/event.ts'
import { excerptMaxBytes, type Outcome } from '../domain/outcome.ts'
import { targetOf, type Egress } from './egress.ts'
import { describeNetworkError, parseRetryAfter, within, type NetworkFault } from './network.ts'

export interface Post {
  url: string
  headers: Record<string, string>
  body: string
  timeoutMs: number
  environment: Environment
  egress: Egress
  /** What the URL is for, where the guard has rules of its own for that. */
  service?: 'slack'
}

export type Answer =
  | { kind: 'answered'; status: number; excerpt: string; retryAfterMs?: number }
  | ({ kind: 'unreachable' } & NetworkFault)

/**
 * Posts once, within `timeoutMs` to the answer's status line. Redirects are not followed. Of the body at most
 * `excerptMaxBytes` are read, as they come (nothing is decompressed), and nothing is read past the timeout: an endless answer
 * holds nobody up, and its connection is cut.
 */
export async function post({ url, timeoutMs, environment, egress, service, ...rest }: Post): Promise<Answer> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    // A connection that is kept was checked when it was made; what URLs may name is checked for every attempt.
    egress.admit(targetOf(new URL(url), service), environment)
    const dispatcher = egress.dispatcher(environment)
    const response = await within(signal, request(url, { method: 'POST', ...rest, signal, dispatcher }))
    const retryAfterMs = parseRetryAfter(single(response.headers['retry-after']), new Date())
    return {
      kind: 'answered',
      status: response.statusCode,
      excerpt: await readExcerpt(response),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    }
  } catch (error) {
    return { kind: 'unreachable', ...describeNetworkError(error, timeoutMs) }
  }
}

/** What counts as success where a destination says nothing else. */
export const defaultSuccessCodes = ['2xx']

/**
 * What an HTTP answer means for a delivery (DESIGN §3): the destination's success codes are success, by default any 2xx; 410
 * says never again; everything else, redirects and other 4xx included, is worth another attempt. `Retry-After` counts where
 * HTTP defines it.
 */
export function classifyHttp(answer: Answer, successCodes: readonly string[] = defaultSuccessCodes): Outcome {
  if (answer.kind === 'unreachable') {
    const { error, errorClass } = answer
    return { kind: 'failed', error, errorClass }
  }
  const { status, excerpt, retryAfterMs } = answer
  const seen = { responseCode: status, responseExcerpt: excerpt }
  if (isSuccess(status, successCodes)) return { kind: 'delivered', ...seen }
  const error = `HTTP ${status}${meaningOf(status)}`
  if (status === 410) return { kind: 'rejected', error, errorClass: 'http', gone: true, ...seen }
  const asksToWait = retryAfterMs !== undefined && [429, 502, 503, 504].includes(status)
  return { kind: 'failed', error, errorClass: 'http', ...(asksToWait && { retryAfterMs }), ...seen }
}

function isSuccess(status: number, successCodes: readonly string[]): boolean {
  return successCodes.includes(String(status)) || (is2xx(status) && successCodes.includes('2xx'))
}

function is2xx(status: number): boolean {
  return status >= 200 && status < 300
}

/** Why a status that is no success is none. */
function meaningOf(status: number): string {
  if (is2xx(status)) return ': not one of this destination’s success codes'
  if (status === 410) return ': the receiver is gone'
  if (status >= 300 && status < 400) return ': redirects are not followed'
  const phrase = STATUS_CODES[status]
  return phrase ? `: ${phrase}` : ''
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
