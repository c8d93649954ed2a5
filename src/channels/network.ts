import { EgressRefused } from './egress.ts'

/** Milliseconds that a `Retry-After` asks for: seconds, or a date as HTTP writes it (RFC 9110 §10.2.3). */
export function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000
  const date = /\bGMT$/.test(value.trim()) ? Date.parse(value) : NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime())
}

/** Network faults in words of our own: a library's message may hold a URL, and a URL may hold a secret. */
const sayings: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by the receiver',
  EPIPE: 'connection closed by the receiver',
  ENOTFOUND: 'DNS: no such host',
  EAI_AGAIN: 'DNS: the name server did not answer',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
  UND_ERR_SOCKET: 'connection closed by the receiver',
  UND_ERR_HEADERS_OVERFLOW: 'the answer’s headers are too large',
  CERT_HAS_EXPIRED: 'TLS: the certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS: the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS: a certificate in the chain is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'TLS: the certificate cannot be verified',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'TLS: the certificate’s issuer is not known',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS: the certificate is for another host',
  EPROTO: 'TLS: the handshake failed',
  ECONNECTION: 'connection closed by the receiver',
  EDNS: 'DNS: no such host',
  ETLS: 'TLS: the handshake failed',
  EPROTOCOL: 'the answer is not valid SMTP',
}

/** A sentence for the delivery log. `timeoutMs` is the patience that an abort by timeout stands for. */
export function describeNetworkError(error: unknown, timeoutMs: number): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause ?? firstOf(cause)) {
    if (cause instanceof EgressRefused) return cause.message
    if (cause.name === 'TimeoutError' || cause.name === 'AbortError')
      return `no answer within ${timeoutMs} ms`
    const code = textOf(cause, 'originalCode') ?? textOf(cause, 'code')
    const said = code && sayings[code]
    if (said) return said
    if (code?.startsWith('ERR_SSL') || code?.startsWith('ERR_TLS')) return 'TLS: the handshake failed'
    if (code?.startsWith('HPE_') || cause.name === 'HTTPParserError') return 'the answer is not valid HTTP'
  }
  return 'the connection failed'
}

/** nodemailer puts a code of its own in front and keeps the system's as `originalCode`. */
function textOf(error: Error, key: 'code' | 'originalCode'): string | undefined {
  const value: unknown = key in error ? (error as Error & Record<typeof key, unknown>)[key] : undefined
  return typeof value === 'string' ? value : undefined
}

/** Several addresses tried, several errors: the first speaks for all. */
function firstOf(error: Error): unknown {
  return error instanceof AggregateError ? (error.errors as unknown[])[0] : undefined
}
