import { describe, expect, it } from 'vitest'
import { takeFrom, type IngestBucket } from '../../../../src/domain/limits/ingest-bucket.ts'

const perSecond = 50
const start = Date.parse('2026-11-28T12:00:00Z')

/** A bucket that was never used, and calls on it at times in ms from `start`. */
function openBucket() {
  let bucket: IngestBucket = { paidAtMs: 0, promisedAtMs: 0 }
  return (atMs: number, events: number) => {
    const { bucket: next, ...verdict } = takeFrom(bucket, { perSecond, events, nowMs: start + atMs })
    bucket = next
    return verdict
  }
}

describe('an ingest bucket of 50 events per second', () => {
  it('takes a second’s worth at once, and then one event every 20 ms', () => {
    const take = openBucket()
    for (let n = 1; n <= 50; n++) expect(take(0, 1)).toEqual({ accepted: true, left: 50 - n })
    expect(take(0, 1)).toEqual({ accepted: false, retryAfterMs: 0 })
    for (const atMs of [1, 21, 41]) {
      expect(take(atMs, 1)).toMatchObject({ accepted: true })
      expect(take(atMs + 19, 1)).toMatchObject({ accepted: false })
    }
  })

  it('takes a batch larger than itself, and later calls wait until it is paid back', () => {
    const take = openBucket()
    expect(take(0, 100)).toEqual({ accepted: true, left: 0 })
    expect(take(0, 1)).toEqual({ accepted: false, retryAfterMs: 1000 })
    expect(take(999, 1)).toMatchObject({ accepted: false })
    expect(take(1001, 100)).toMatchObject({ accepted: true })
  })

  it('charges nothing for what it refuses', () => {
    const take = openBucket()
    take(0, 100)
    for (let n = 0; n < 1000; n++) expect(take(500, 100)).toMatchObject({ accepted: false })
    expect(take(1001, 1)).toMatchObject({ accepted: true })
  })

  it('tells competing callers to come one after the other, and each is accepted then', () => {
    const take = openBucket()
    take(0, 100)
    const told = [1, 2, 3].map(() => take(0, 60))
    expect(told).toEqual([1000, 2200, 3400].map((retryAfterMs) => ({ accepted: false, retryAfterMs })))
    for (const { retryAfterMs } of told as { retryAfterMs: number }[])
      expect(take(retryAfterMs + 1, 60)).toMatchObject({ accepted: true })
  })

  it('never tells anybody to wait longer than the debt and 10 s, however many are refused', () => {
    const take = openBucket()
    take(0, 100)
    const told = Array.from({ length: 1000 }, () => take(0, 100) as { retryAfterMs: number })
    expect(Math.max(...told.map(({ retryAfterMs }) => retryAfterMs))).toBeLessThanOrEqual(10_000)
  })

  it('only looks where nothing is asked for', () => {
    const take = openBucket()
    for (let n = 0; n < 100; n++) expect(take(0, 0)).toEqual({ accepted: true, left: 50 })
  })
})
