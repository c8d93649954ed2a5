import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import pMap from 'p-map'
import { webhook } from '../../src/channels/webhook.ts'
import type { Outcome } from '../../src/domain/delivery/outcome.ts'
import { startReceiver, type Receiver, type Respond } from '../support/servers/receiver.ts'
import { send, type Sending } from './contract.ts'
import { networkFaults } from './network-faults.ts'
import { always, asScheduled, nextAttempts, type Waits } from './next-attempts.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='
const everyStatus = Array.from({ length: 400 }, (_, n) => 200 + n)
const minute = 60_000
const hour = 60 * minute

/** The statuses with which HTTP lets a receiver say when to come again, as far as we listen. */
const heard = [429, 502, 503, 504]
/** Those whose Retry-After lengthens the schedule's delay; a 429 is put off for just that long. */
const lengthening = heard.filter((code) => code !== 429)

let receiver: Receiver
let elsewhere: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
  elsewhere = await startReceiver()
})
beforeEach(() => {
  receiver.received.length = 0
})
afterAll(() => Promise.all([receiver.stop(), elsewhere.stop()]))

function deliver(url: string, config: object = {}, more: Partial<Sending> = {}): Promise<Outcome> {
  return send({ channel: webhook, secret, config: { url, ...config }, ...more })
}

/** Answers with the status that the path names. */
const answering =
  (headers: Record<string, string | string[]> = {}): Respond =>
  (response, { path }) =>
    void response.writeHead(Number(path.slice(1)), { location: elsewhere.url, ...headers }).end('seen')

/** What the real channel makes of each status. */
async function outcomesOf(statuses: readonly number[], headers = {}, config = {}) {
  receiver.answer(answering(headers))
  return pMap(statuses, async (status) => ({ status, outcome: await deliver(urlOf(status), config) }), {
    concurrency: 10,
  })
}

function urlOf(status: number): string {
  return new URL(`/${status}`, receiver.url).href
}

const text = (pattern: RegExp) => expect.stringMatching(pattern) as string

/** The delivery policy, in a table's words. */
function expected(status: number) {
  if (status < 300) return { kind: 'delivered' }
  if (status < 400)
    return { kind: 'failed', errorClass: 'http', error: `HTTP ${status}: redirects are not followed` }
  if (status === 410)
    return { kind: 'rejected', errorClass: 'http', error: 'HTTP 410: the receiver is gone', gone: true }
  return {
    kind: 'failed',
    errorClass: 'http',
    error: text(new RegExp(`^HTTP ${status}(: [A-Z][A-Za-z’' -]+)?$`)),
  }
}

function expectedNext(status: number) {
  if (status < 300) return always('delivered')
  return status === 410 ? always('failed: rejected: HTTP 410: the receiver is gone') : asScheduled
}

describe('an answer’s status decides', () => {
  it.each([
    ['without Retry-After', everyStatus, {}],
    [
      'with a Retry-After that does not count there',
      everyStatus.filter((code) => !heard.includes(code)),
      { 'retry-after': '7200' },
    ],
  ])('outcome and next attempt, for every status %s', async (_what, statuses, headers) => {
    for (const { status, outcome } of await outcomesOf(statuses, headers)) {
      expect(outcome, String(status)).toEqual({
        ...expected(status),
        responseCode: status,
        responseExcerpt: [204, 304].includes(status) ? '' : 'seen',
        requestHeaders: expect.objectContaining({ 'webhook-id': 'evt_01jd6x7m2v8q' }) as object,
      })
      expect(nextAttempts(outcome), String(status)).toEqual(expectedNext(status))
    }
    expect(receiver.received).toHaveLength(statuses.length)
    expect(elsewhere.received).toEqual([])
  })

  const codeSets: [codes: string[], delivered: number[]][] = [
    [
      ['200', '202', '404', '503'],
      [200, 202, 404, 503],
    ],
    [
      ['2xx', '409'],
      [...everyStatus.slice(0, 100), 409],
    ],
  ]
  it.each(codeSets)('for a destination whose success codes are %j, too', async (successCodes, delivered) => {
    const headers = { 'retry-after': '7200' }
    for (const { status, outcome } of await outcomesOf(everyStatus, headers, { successCodes })) {
      const arrived = delivered.includes(status)
      expect(outcome.kind, String(status)).toBe(
        arrived ? 'delivered' : status === 410 ? 'rejected' : 'failed',
      )
      expect(outcome.responseCode).toBe(status)
      if (outcome.kind === 'delivered') expect(nextAttempts(outcome)).toEqual(always('delivered'))
      else expect(outcome.errorClass).toBe('http')
      if (status < 300 && !arrived) {
        expect(outcome).toMatchObject({
          error: `HTTP ${status}: not one of this destination’s success codes`,
        })
        expect(nextAttempts(outcome)).toEqual(asScheduled)
      }
    }
    expect(elsewhere.received).toEqual([])
  })

  it('even where the answer’s body breaks off, or never ends', async () => {
    receiver.answer((response, { path }) => {
      response.writeHead(Number(path.slice(1)), { 'content-length': '1000' })
      response.write('the beginning', () => response.socket?.end())
    })
    expect(await deliver(urlOf(200))).toMatchObject({ kind: 'delivered', responseExcerpt: 'the beginning' })
    expect(await deliver(urlOf(503))).toMatchObject({ kind: 'failed', errorClass: 'http', responseCode: 503 })
  })
})

describe('without an answer it is failed, in a class of its own, and tried again as scheduled:', () => {
  it.each(networkFaults)('$errorClass: $what', async ({ errorClass, error, start }) => {
    const { url, connections, ...more } = await start()
    const outcome = await deliver(url, {}, more)
    expect(outcome).toEqual({
      kind: 'failed',
      errorClass,
      error: typeof error === 'string' ? error : text(error),
      requestHeaders: expect.objectContaining({ 'webhook-id': 'evt_01jd6x7m2v8q' }) as object,
    })
    expect(nextAttempts(outcome)).toEqual(asScheduled)
    expect(connections?.() ?? 0).toBe(0)
  })
})

describe('a Retry-After counts with 429, 502, 503 and 504, from the schedule’s delay to 24 h:', () => {
  const all = (waitMs: number): Waits => [waitMs, waitMs, waitMs]
  /** After each of the first so many attempts. */
  const obeyed = (attempts: number, waitMs: number): Record<number, Waits> =>
    Object.fromEntries(Array.from({ length: attempts }, (_, n) => [n + 1, all(waitMs)]))
  const cutToADay = { ...obeyed(8, 24 * hour), 9: [24 * hour, 24 * hour, 103_645_440] }
  const ignored = {}

  /** All three statuses get it, and mean the same by it. */
  async function next(value: string | string[]) {
    const outcomes = await outcomesOf(lengthening, { 'retry-after': value })
    expect(outcomes.map(({ outcome }) => outcome)).toMatchObject(
      lengthening.map((responseCode) => ({ kind: 'failed', errorClass: 'http', responseCode })),
    )
    return outcomes.map(({ outcome }) => ({ outcome, waits: nextAttempts(outcome) }))
  }

  // `differently` is after how many attempts the wait is not the schedule's.
  it.each<[what: string, value: string | string[], differently: Record<number, Waits>]>([
    ['above the first delays', '120', obeyed(1, 2 * minute)],
    ['with space around it', ' 120\t', obeyed(1, 2 * minute)],
    ['within the jitter', '5', { 1: [5_000, 5_000, 5_998] }],
    ['between two delays', '18000', { ...obeyed(4, 5 * hour), 5: [5 * hour, 5 * hour, 21_592_800] }],
    ['just below a day', '86399', { ...obeyed(8, 86_399_000), 9: [86_399_000, 86_400_000, 103_645_440] }],
    ['a day', '86400', cutToADay],
    ['more than a day', '86401', cutToADay],
    ['thirty years', '999999999', cutToADay],
    ['ten digits', '9999999999', cutToADay],
    ['more than a number holds', '9'.repeat(400), cutToADay],
    ['two of them: the first', ['120', '240'], obeyed(1, 2 * minute)],
    ['two of them, the second in vain', ['soon', '120'], ignored],
    ['below the delay', '3', ignored],
    ['nothing to wait for', '0', ignored],
    ['negative', '-120', ignored],
    ['with a sign', '+120', ignored],
    ['decimal', '120.5', ignored],
    ['with a unit', '120s', ignored],
    ['an exponent', '1e3', ignored],
    ['hexadecimal', '0x78', ignored],
    ['two in one', '120, 240', ignored],
    ['garbage', 'soon', ignored],
    ['empty', '', ignored],
    ['a day that no month has', 'Sat, 99 Nov 2099 11:02:00 GMT', ignored],
    ['a date with another zone', 'Sat, 21 Nov 2099 11:02:00 +0100', ignored],
    ['a date as JSON has it', '2099-11-21T11:02:00Z', ignored],
    ['half a date', '21 Nov 2099', ignored],
  ])('%s', async (_what, value, differently) => {
    for (const { waits } of await next(value)) expect(waits).toEqual({ ...asScheduled, ...differently })
  })

  it.each<[value: string, waitMs: number]>([
    ['0', 1_000],
    ['3', 3_000],
    ['120', 2 * minute],
    ['86401', 24 * hour],
  ])('of a 429 is how long it waits, while the schedule lasts: %s', async (value, waitMs) => {
    const [answer] = await outcomesOf([429], { 'retry-after': value })
    const waits = answer && nextAttempts(answer.outcome)
    expect(waits?.[1]).toEqual(Array(3).fill(waitMs))
    expect(waits?.[10]).toEqual(asScheduled[10])
  })

  const dates: [form: string, write: (date: Date) => string][] = [
    ['IMF-fixdate', imfFixdate],
    ['RFC 850', rfc850],
    ['asctime', asctime],
  ]
  it.each(dates)('a date (%s)', async (_form, write) => {
    const date = new Date(Math.floor(Date.now() / 1000) * 1000 + 2 * hour)
    const longestMs = date.getTime() - Date.now()
    const answers = await next(write(date))
    const shortestMs = date.getTime() - Date.now()
    for (const { outcome, waits } of answers) {
      const { retryAfterMs = NaN } = outcome as { retryAfterMs?: number }
      expect(retryAfterMs).toBeGreaterThanOrEqual(shortestMs)
      expect(retryAfterMs).toBeLessThanOrEqual(longestMs)
      const middle: Waits = [retryAfterMs, 2 * hour, 8_637_120]
      expect(waits).toEqual({ ...asScheduled, ...obeyed(3, retryAfterMs), 4: middle })
    }
  })

  it.each(dates)('a date (%s) beyond a day, or past', async (_form, write) => {
    const date = (inMs: number) => write(new Date(Date.now() + inMs))
    for (const { waits } of await next(date(48 * hour)))
      expect(waits).toEqual({ ...asScheduled, ...cutToADay })
    for (const { waits } of await next(date(-minute))) expect(waits).toEqual(asScheduled)
    for (const { waits } of await next(date(-365 * 24 * hour))) expect(waits).toEqual(asScheduled)
  })
})

function imfFixdate(date: Date): string {
  return date.toUTCString()
}

function rfc850(date: Date): string {
  const weekday = date.toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' })
  const [, day = '', month = '', year = '', time = ''] = date.toUTCString().split(' ')
  return `${weekday}, ${day}-${month}-${year.slice(2)} ${time} GMT`
}

function asctime(date: Date): string {
  const [weekday = '', day = '', month = '', year = '', time = ''] = date.toUTCString().split(' ')
  return `${weekday.slice(0, 3)} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`
}
