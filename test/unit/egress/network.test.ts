import { describe, expect, it } from 'vitest'
import { EgressRefused, refusals } from '../../../src/egress/refused.ts'
import { describeNetworkError, parseRetryAfter } from '../../../src/egress/network.ts'
import type { ErrorClass } from '../../../src/domain/delivery/outcome.ts'

const withCode = (code: string, message = 'https://user:secret@x.example/ failed') =>
  Object.assign(new Error(message), { code })

const both = (code: string, originalCode: string) => Object.assign(withCode(code), { originalCode })

describe('a network fault is told as', () => {
  it.each<[error: unknown, errorClass: ErrorClass, words: string]>([
    [withCode('ECONNREFUSED'), 'connection', 'connection refused'],
    [withCode('ECONNRESET'), 'connection', 'connection reset by the receiver'],
    [withCode('EHOSTUNREACH'), 'connection', 'host unreachable'],
    [withCode('ENETUNREACH'), 'connection', 'network unreachable'],
    [withCode('ENOTFOUND'), 'dns', 'DNS: the host has no public address'],
    [withCode('EAI_AGAIN'), 'dns', 'DNS: the name server did not answer'],
    [withCode('EAI_FAIL'), 'dns', 'DNS: the host could not be resolved'],
    [withCode('ETIMEDOUT'), 'timeout', 'connection timed out'],
    [new DOMException('The operation timed out', 'TimeoutError'), 'timeout', 'no response within 250 ms'],
    [new DOMException('This operation was aborted', 'AbortError'), 'timeout', 'no response within 250 ms'],
    [withCode('CERT_HAS_EXPIRED'), 'tls', 'TLS: the certificate has expired'],
    [withCode('CERT_REVOKED'), 'tls', 'TLS: the certificate cannot be verified'],
    [withCode('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'tls', 'TLS: the certificate cannot be verified'],
    [withCode('ERR_TLS_CERT_ALTNAME_INVALID'), 'tls', 'TLS: the certificate is for another host'],
    [withCode('ERR_SSL_WRONG_VERSION_NUMBER'), 'tls', 'TLS: the handshake failed'],
    [withCode('EPROTO'), 'tls', 'TLS: the handshake failed'],
    [withCode('HPE_INVALID_CONSTANT'), 'protocol', 'the response is not valid HTTP'],
    [withCode('HPE_HEADER_OVERFLOW'), 'protocol', 'the response headers are too large'],
    [both('ESOCKET', 'ECONNREFUSED'), 'connection', 'connection refused'],
    [both('ESOCKET', 'CERT_HAS_EXPIRED'), 'tls', 'TLS: the certificate has expired'],
    [both('EDNS', 'ENOTFOUND'), 'dns', 'DNS: the host has no public address'],
    [both('EDNS', 'ETIMEOUT'), 'timeout', 'DNS: the lookup timed out'],
    [both('EDNS', 'ESERVFAIL'), 'dns', 'DNS: the host could not be resolved'],
    [withCode('ENODATA'), 'dns', 'DNS: the host has no public address'],
    [new EgressRefused(refusals.name), 'dns', 'DNS: the host has no public address'],
    [new EgressRefused(refusals.address), 'blocked', new EgressRefused(refusals.address).message],
    [new Error('fetch failed', { cause: withCode('ECONNREFUSED') }), 'connection', 'connection refused'],
    [
      new Error('fetch failed', { cause: new EgressRefused(refusals.port) }),
      'blocked',
      new EgressRefused(refusals.port).message,
    ],
    [
      new AggregateError([withCode('ECONNREFUSED'), withCode('ENETUNREACH')]),
      'connection',
      'connection refused',
    ],
    [withCode('E_NEVER_HEARD_OF'), 'connection', 'the connection failed'],
    [withCode('constructor'), 'connection', 'the connection failed'],
    [new TypeError('Invalid URL: https://user:secret@x.example/'), 'connection', 'the connection failed'],
    ['a text', 'connection', 'the connection failed'],
    [undefined, 'connection', 'the connection failed'],
  ])('%s → %s: %s', (error, errorClass, words) => {
    const told = { error: words, errorClass }
    expect(describeNetworkError(error, 250)).toEqual(told)
    expect(describeNetworkError(new Error('outer', { cause: error }), 250)).toEqual(told)
  })

  it('each fault with words of its own', () => {
    const codes = [
      'ECONNREFUSED',
      'ECONNRESET',
      'ENOTFOUND',
      'EAI_AGAIN',
      'ETIMEDOUT',
      'EHOSTUNREACH',
      'ENETUNREACH',
    ]
    const words = codes.map((code) => describeNetworkError(withCode(code), 1).error)
    expect(new Set(words).size).toBe(codes.length)
  })
})

describe('a Retry-After', () => {
  const now = new Date('2026-11-21T11:00:00Z')
  it.each<[value: string | undefined, milliseconds: number | undefined]>([
    [undefined, undefined],
    ['0', 0],
    ['1', 1_000],
    ['120', 120_000],
    [' 120 ', 120_000],
    ['999999999', 999_999_999_000],
    ['Sat, 21 Nov 2026 11:02:00 GMT', 120_000],
    ['Saturday, 21-Nov-26 11:02:00 GMT', 120_000],
    ['Sat Nov 21 11:02:00 2026', 120_000],
    ['Tue Dec  1 11:00:00 2026', 10 * 24 * 3_600_000],
    ['Sun, 6 Dec 2026 11:00:00 GMT', 15 * 24 * 3_600_000],
    ['Sat, 21 Nov 2026 10:00:00 GMT', 0],
    ['', undefined],
    ['soon', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['120s', undefined],
    ['9999999999', 9_999_999_999_000],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
    ['Sat Nov 21 11:02:00 2026 +0100', undefined],
    ['Sat, 21 Nov 2026 11:02:00 +0100', undefined],
    ['in 5 minutes GMT', undefined],
    ['2026-11-21T11:02:00Z', undefined],
    ['Sat, 99 Nov 2026 11:02:00 GMT', undefined],
    ['Infinity', undefined],
  ])('of %j is %s ms', (value, milliseconds) => {
    expect(parseRetryAfter(value, now)).toBe(milliseconds)
  })
})
