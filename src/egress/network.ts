import type { ErrorClass } from '../domain/delivery/outcome.ts'
import { EgressRefused, noPublicAddress } from './refused.ts'

/** The three ways in which HTTP writes a date; recipients take them all (RFC 9110 §5.6.7). */
const httpDates = {
  imfFixdate: /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  rfc850: /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
  /** In GMT, too, and it does not say so. */
  asctime: /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
}

/**
 * Milliseconds that a `Retry-After` asks for: whole seconds, or a date (RFC 9110 §10.2.3). What is neither asks for nothing;
 * a date in the past asks for no wait. The longest is what JSON can carry: it goes into a workflow's history.
 */
export function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  const text = value?.trim() ?? ''
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER)
  const date = parseHttpDate(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime())
}

/** Unix milliseconds, or NaN. */
function parseHttpDate(text: string): number {
  if (httpDates.asctime.test(text)) return Date.parse(`${text} GMT`)
  return httpDates.imfFixdate.test(text) || httpDates.rfc850.test(text) ? Date.parse(text) : NaN
}

/** Why nothing was answered, for the delivery log. */
export interface NetworkFault {
  error: string
  errorClass: ErrorClass
}

type Fault = readonly [ErrorClass, error: string]

/** Network faults in words of our own: a library's message may hold a URL, and a URL may hold a secret. */
const faults: Record<string, Fault> = {
  ENOTFOUND: ['dns', noPublicAddress],
  ENODATA: ['dns', noPublicAddress],
  EAI_AGAIN: ['dns', 'DNS: the name server did not answer'],
  EDNS: ['dns', 'DNS: the host could not be resolved'],
  ECONNREFUSED: ['connection', 'connection refused'],
  ECONNRESET: ['connection', 'connection reset by the receiver'],
  EPIPE: ['connection', 'connection closed by the receiver'],
  ECONNECTION: ['connection', 'connection closed by the receiver'],
  EHOSTUNREACH: ['connection', 'host unreachable'],
  ENETUNREACH: ['connection', 'network unreachable'],
  ETIMEDOUT: ['timeout', 'connection timed out'],
  ETIMEOUT: ['timeout', 'DNS: the lookup timed out'],
  CERT_HAS_EXPIRED: ['tls', 'TLS: the certificate has expired'],
  CERT_NOT_YET_VALID: ['tls', 'TLS: the certificate is not valid yet'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['tls', 'TLS: the certificate is self-signed'],
  SELF_SIGNED_CERT_IN_CHAIN: ['tls', 'TLS: a certificate in the chain is self-signed'],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['tls', 'TLS: the certificate’s issuer is unknown'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['tls', 'TLS: the certificate is for another host'],
  EPROTO: ['tls', 'TLS: the handshake failed'],
  ETLS: ['tls', 'TLS: the handshake failed'],
  HPE_HEADER_OVERFLOW: ['protocol', 'the response headers are too large'],
  EPROTOCOL: ['protocol', 'the response is not valid SMTP'],
  // Errors that nodemailer finds before the mail server has responded.
  EAUTH: [
    'setup',
    'SMTP login: the credentials are incomplete, or the mail server supports none of the login methods',
  ],
  EMESSAGE: ['smtp', 'the mail exceeds the mail server’s size limit'],
}

/** Codes that come in families. */
const families: [begins: RegExp, fault: Fault][] = [
  [/^EAI_/, ['dns', 'DNS: the host could not be resolved']],
  [/^(CERT|UNABLE_TO)_/, ['tls', 'TLS: the certificate cannot be verified']],
  [/^ERR_(SSL|TLS)_/, ['tls', 'TLS: the handshake failed']],
  [/^HPE_/, ['protocol', 'the response is not valid HTTP']],
]

/** Describes an error in a sentence and as a class. `timeoutMs` is the timeout that an abort stands for. */
export function describeNetworkError(error: unknown, timeoutMs: number): NetworkFault {
  for (let cause = error; cause instanceof Error; cause = cause.cause ?? firstError(cause)) {
    if (cause instanceof EgressRefused) return { error: cause.message, errorClass: cause.errorClass }
    if (cause.name === 'TimeoutError' || cause.name === 'AbortError')
      return { error: `no response within ${timeoutMs} ms`, errorClass: 'timeout' }
    const known = knownFault(cause)
    if (known) return { error: known[1], errorClass: known[0] }
  }
  return { error: 'the connection failed', errorClass: 'connection' }
}

/**
 * Waits for work until the signal aborts, and then throws the signal's reason. For work that cannot be aborted, such as the
 * system's name lookup: it continues, and its result is ignored.
 */
export function within<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const outOfTime = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
  return Promise.race([work, outOfTime])
}

/** nodemailer sets its own code and keeps the system's more specific one as `originalCode`. */
function knownFault(error: Error): Fault | undefined {
  const codes = [readErrorCode(error, 'originalCode'), readErrorCode(error, 'code'), error.name]
  return codes.map((code) => (code ? findFault(code) : undefined)).find((fault) => fault !== undefined)
}

function findFault(code: string): Fault | undefined {
  return Object.hasOwn(faults, code) ? faults[code] : families.find(([begins]) => begins.test(code))?.[1]
}

function readErrorCode(error: Error, key: 'code' | 'originalCode'): string | undefined {
  const value: unknown = key in error ? (error as Error & Record<typeof key, unknown>)[key] : undefined
  return typeof value === 'string' ? value : undefined
}

/** Several addresses tried, several errors: the first speaks for all. */
function firstError(error: Error): unknown {
  return error instanceof AggregateError ? (error.errors as unknown[])[0] : undefined
}
