import { describe, expect, it } from 'vitest'
import {
  destinationsToReplay,
  isAsked,
  stillToReplay,
  type LaterRuns,
  type ReplayFilter,
} from '../../../src/domain/replay.ts'
import { givenUp } from '../../../src/domain/delivery/timeline.ts'
import type { DeliveryStatus } from '../../../src/domain/delivery/timeline.ts'

const filter: ReplayFilter = {
  from: '2026-01-01T00:00:00.000Z',
  to: '2026-01-02T00:00:00.000Z',
  status: 'failed',
  source: 'log',
}

const events: [what: string, event: Partial<Parameters<typeof isAsked>[1]>, type: string | undefined, asked: boolean][] = [
  ['in the window', {}, undefined, true],
  ['at its beginning', { createdAt: '2026-01-01T00:00:00.000Z' }, undefined, true],
  ['just before it', { createdAt: '2025-12-31T23:59:59.999Z' }, undefined, false],
  ['just before its end', { createdAt: '2026-01-01T23:59:59.999Z' }, undefined, true],
  ['at its end', { createdAt: '2026-01-02T00:00:00.000Z' }, undefined, false],
  ['made as a test', { test: true }, undefined, false],
  ['of the type', {}, 'aml.match.found', true],
  ['of a longer type', {}, 'aml.match', false],
  ['of a type that begins so', {}, 'aml.m*', true],
  ['of a type that does not', {}, 'kyc.*', false],
] // prettier-ignore

describe('an event is asked for or not', () => {
  it.each(events)('%s', (_what, event, type, asked) => {
    const base = { eventType: 'aml.match.found', createdAt: '2026-01-01T12:00:00.000Z' }
    expect(isAsked({ ...filter, ...(type && { type }) }, { ...base, ...event })).toBe(asked)
  })
})

const delivery = (destinationId: string, status: DeliveryStatus, missed?: true) => ({
  destinationId,
  status,
  ...(missed && { missed }),
})

/** One of every kind; `paused` was paused between two attempts, `absent` when the event was routed. */
const log = {
  deliveries: [
    delivery('arrived', 'delivered'),
    delivery('failed', 'failed'),
    delivery('paused', 'skipped', true),
    delivery('cancelled', 'skipped'),
    delivery('waits', 'pending'),
    delivery('held', 'held'),
  ],
  routing: [{ destinationId: 'failed' }, { destinationId: 'absent', missed: true as const }],
}

const chosen: [asked: Pick<ReplayFilter, 'status' | 'destination'>, ids: string[]][] = [
  [{ status: 'failed' }, ['failed']],
  [{ status: 'all' }, ['arrived', 'failed', 'paused', 'cancelled']],
  [{ status: 'failed', destination: 'failed' }, ['failed']],
  [{ status: 'failed', destination: 'arrived' }, []],
  [{ status: 'failed', destination: 'waits' }, []],
  [{ status: 'missed', destination: 'absent' }, ['absent']],
  [{ status: 'missed', destination: 'paused' }, ['paused']],
  [{ status: 'missed', destination: 'failed' }, []],
  [{ status: 'undelivered', destination: 'failed' }, ['failed']],
  [{ status: 'undelivered', destination: 'absent' }, ['absent']],
  [{ status: 'undelivered', destination: 'cancelled' }, []],
  [{ status: 'all', destination: 'arrived' }, ['arrived']],
  [{ status: 'all', destination: 'absent' }, ['absent']],
  [{ status: 'all', destination: 'held' }, []],
]

describe('the destinations that a replay of an event goes to', () => {
  it.each(chosen)('%o: %o', (asked, ids) => {
    expect(destinationsToReplay({ ...filter, ...asked }, log)).toEqual(ids)
  })

  it('of a run that is over, those that still waited have failed', () => {
    const over = { ...log, deliveries: log.deliveries.map(givenUp) }
    expect(destinationsToReplay(filter, over)).toEqual(['failed', 'waits', 'held'])
  })
})

const later = (delivered: string[], pending: string[] | 'all'): LaterRuns => ({
  delivered: new Set(delivered),
  pending: pending === 'all' ? pending : new Set(pending),
})

const beside: [what: string, ids: string[] | undefined, runs: LaterRuns, left: object, leftOfAll: object][] = [
  ['nothing later', ['a', 'b'], later([], []), { destinations: ['a', 'b'] }, { destinations: ['a', 'b'] }],
  ['one delivered', ['a', 'b'], later(['a'], []), { destinations: ['b'] }, { destinations: ['a', 'b'] }],
  ['one on its way', ['a', 'b'], later([], ['a']), { destinations: ['b'] }, { destinations: ['b'] }],
  ['all delivered', ['a'], later(['a'], []), { skipped: 'already_delivered' }, { destinations: ['a'] }],
  ['a run not routed yet', ['a'], later([], 'all'), { skipped: 'replay_running' }, { skipped: 'replay_running' }],
  ['by routing, nothing later', undefined, later([], []), {}, {}],
  ['by routing, one on its way', undefined, later([], ['b']), { skipped: 'replay_running' }, { skipped: 'replay_running' }],
  ['by routing, one delivered', undefined, later(['b'], []), { skipped: 'already_delivered' }, {}],
] // prettier-ignore

describe('beside later runs of the same event', () => {
  it.each(beside)('%s', (_what, ids, runs, left, leftOfAll) => {
    expect(stillToReplay('failed', ids, runs)).toEqual(left)
    expect(stillToReplay('all', ids, runs)).toEqual(leftOfAll)
  })
})
