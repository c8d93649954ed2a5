import { STATUS_CODES } from 'node:http'
import type { Environment } from '../domain/event.ts'
import type { Outcome } from '../domain/delivery/outcome.ts'
import { httpTarget, type Egress } from './egress.ts'
import { exchange, Unanswered, type HttpResponse } from './http-exchange.ts'
import { describeNetworkError, parseRetryAfter, type NetworkFault } from './network.ts'
import { readText } from './response-text.ts'

export interface Post {
  url: string
  headers: Record<string, string>
  body: string
  timeoutMs: number
  environment: Environment
  egress: Egress
  /** The kind of service, if the guard has separate rules for it. */
  service?: 'slack'
}

export type Answer =
  | { kind: 'answered'; status: number; excerpt: string; retryAfterMs?: number }
  | ({ kind: 'unreachable' } & NetworkFault)

/**
 * Posts once, within `timeoutMs` until the status line has arrived. Redirects are not followed. At most `excerptMaxBytes` of the
 * body are read, within a second, and its connection is cut if there is more.
 */
export async function post(given: Post): Promise<Answer> {
  try {
    const response = await send(given)
    const retryAfterMs = parseRetryAfter(response.headers['retry-after'], new Date())
    return {
      kind: 'answered',
      status: response.status,
      excerpt: await readText(response),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    }
  } catch (error) {
    return { kind: 'unreachable', ...describeNetworkError(error, given.timeoutMs) }
  }
}

/**
 * The receiver may close an idle connection at the moment of its next use. That is not the destination's fault, so the request is
 * sent once more over a new connection (RFC 9112 §9.3.1).
 */
async function send({
  url: text,
  timeoutMs,
  environment,
  egress,
  headers,
  body,
}: Post): Promise<HttpResponse> {
  const url = new URL(text)
  const signal = AbortSignal.timeout(timeoutMs)
  // A connection that is kept was checked when it was made; what URLs may name is checked for every attempt.
  egress.admit(httpTarget(url), environment)
  const request = { url, headers, body, signal }
  try {
    return await exchange({ ...request, agent: egress.agent(url.protocol, environment, 'reuse') })
  } catch (error) {
    if (!(error instanceof Unanswered && error.isStaleConnection)) throw error
    return exchange({ ...request, agent: egress.agent(url.protocol, environment, 'always new') })
  }
}

/** The success codes of a destination that sets none. */
export const defaultSuccessCodes = ['2xx']

/**
 * Classifies an HTTP response for a delivery: success codes (by default any 2xx) deliver, 410 disables the destination, and
 * everything else, redirects and other 4xx included, is retried. `Retry-After` is used where HTTP defines it.
 */
export function classifyHttp(answer: Answer, successCodes: readonly string[] = defaultSuccessCodes): Outcome {
  if (answer.kind === 'unreachable') {
    const { error, errorClass } = answer
    return { kind: 'failed', error, errorClass }
  }
  const { status, excerpt, retryAfterMs } = answer
  const seen = { responseCode: status, responseExcerpt: excerpt }
  if (isSuccess(status, successCodes)) return { kind: 'delivered', ...seen }
  const error = `HTTP ${status}${statusMeaning(status)}`
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
function statusMeaning(status: number): string {
  if (is2xx(status)) return ': not one of this destination’s success codes'
  if (status === 410) return ': the receiver is gone'
  if (status >= 300 && status < 400) return ': redirects are not followed'
  const phrase = STATUS_CODES[status]
  return phrase ? `: ${phrase}` : ''
}
