import { expect, it } from 'vitest'
import { createThrottles } from '../../../src/activities/limits/throttles.ts'
import type { Outcome } from '../../../src/domain/delivery/outcome.ts'

const destination = { id: 'dst_1', recoveries: 0 }
const answered = (responseCode: number, retryAfterMs?: number): Outcome => ({
  kind: 'failed',
  error: `HTTP ${responseCode}`,
  responseCode,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
})

it.each<[what: string, outcome: Outcome, expected: object | undefined]>([
  ['its Retry-After', answered(429, 2_000), { notBefore: 2_000, gapMs: 2_200 }],
  ['a second without one', answered(429), { notBefore: 1_000, gapMs: 1_100 }],
  ['at least a second between attempts', answered(429, 0), { notBefore: 0, gapMs: 1_100 }],
  ['five minutes at most', answered(429, 86_400_000), { notBefore: 300_000, gapMs: 10_000 }],
  ['nothing after another failure', answered(503, 2_000), undefined],
  ['nothing after an arrival', { kind: 'delivered', responseCode: 200 }, undefined],
])('a destination is held back for %s', (_what, outcome, expected) => {
  const throttles = createThrottles(() => 0)
  throttles.record(destination, outcome)
  if (expected) expect(throttles.find(destination)).toMatchObject(expected)
  else expect(throttles.find(destination)).toBeUndefined()
})

it('is forgotten after a quiet minute, or when the destination has recovered', () => {
  let now = 0
  const throttles = createThrottles(() => now)
  throttles.record(destination, answered(429, 1_000))
  now = 60_999
  expect(throttles.find(destination)).toBeDefined()
  now = 61_001
  expect(throttles.find(destination)).toBeUndefined()
  throttles.record(destination, answered(429, 1_000))
  expect(throttles.find({ ...destination, recoveries: 1 })).toBeUndefined()
})

it('are forgotten for the destination used least recently, once there are 10,000', () => {
  const throttles = createThrottles(() => 0)
  const record = (id: string) => throttles.record({ id, recoveries: 0 }, answered(429))
  for (let index = 0; index <= 10_000; index++) record(`dst_${index}`)
  expect(throttles.find({ id: 'dst_0', recoveries: 0 })).toBeUndefined()
  expect(throttles.find({ id: 'dst_1', recoveries: 0 })).toBeDefined()
})
