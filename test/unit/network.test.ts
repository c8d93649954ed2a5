import { describe, expect, it } from 'vitest'
import { EgressRefused } from '../../src/channels/egress.ts'
import { describeNetworkError, parseRetryAfter } from '../../src/channels/network.ts'

const withCode = (code: string, message = 'https://user:secret@x.example/ failed') =>
  Object.assign(new Error(message), { code })

describe('a network fault is told as', () => {
  it.each<[error: unknown, words: string]>([
    [withCode('ECONNREFUSED'), 'connection refused'],
    [withCode('ECONNRESET'), 'connection reset by the receiver'],
    [withCode('ENOTFOUND'), 'DNS: no such host'],
    [withCode('EAI_AGAIN'), 'DNS: the name server did not answer'],
    [withCode('UND_ERR_CONNECT_TIMEOUT'), 'connection timed out'],
    [withCode('UND_ERR_SOCKET'), 'connection closed by the receiver'],
    [withCode('CERT_HAS_EXPIRED'), 'TLS: the certificate has expired'],
    [withCode('ERR_TLS_CERT_ALTNAME_INVALID'), 'TLS: the certificate is for another host'],
    [withCode('ERR_SSL_WRONG_VERSION_NUMBER'), 'TLS: the handshake failed'],
    [withCode('HPE_INVALID_CONSTANT'), 'the answer is not valid HTTP'],
    [Object.assign(withCode('ESOCKET'), { originalCode: 'ECONNREFUSED' }), 'connection refused'],
    [Object.assign(withCode('EDNS'), { originalCode: 'ENOTFOUND' }), 'DNS: no such host'],
    [new DOMException('The operation timed out', 'TimeoutError'), 'no answer within 250 ms'],
    [new DOMException('This operation was aborted', 'AbortError'), 'no answer within 250 ms'],
    [new EgressRefused(), new EgressRefused().message],
    [new Error('fetch failed', { cause: withCode('ECONNREFUSED') }), 'connection refused'],
    [new Error('fetch failed', { cause: new EgressRefused() }), new EgressRefused().message],
    [new AggregateError([withCode('ECONNREFUSED'), withCode('ENETUNREACH')]), 'connection refused'],
    [withCode('E_NEVER_HEARD_OF'), 'the connection failed'],
    [new TypeError('Invalid URL: https://user:secret@x.example/'), 'the connection failed'],
    ['a text', 'the connection failed'],
    [undefined, 'the connection failed'],
  ])('%s → %s', (error, words) => {
    expect(describeNetworkError(error, 250)).toBe(words)
    expect(describeNetworkError(new Error('outer', { cause: error }), 250)).toBe(words)
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
    expect(new Set(codes.map((code) => describeNetworkError(withCode(code), 1))).size).toBe(codes.length)
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
    ['Sat, 21 Nov 2026 10:00:00 GMT', 0],
    ['', undefined],
    ['soon', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['120s', undefined],
    ['9999999999', undefined],
    ['2026-11-21T11:02:00Z', undefined],
    ['Sat, 99 Nov 2026 11:02:00 GMT', undefined],
    ['Infinity', undefined],
  ])('of %j is %s ms', (value, milliseconds) => {
    expect(parseRetryAfter(value, now)).toBe(milliseconds)
  })
})
