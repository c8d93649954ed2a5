import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDb, type Db } from '../../src/db/client.ts'
import { passRule, peekPasses, sweepPasses } from '../../src/db/limits/rule-passes.ts'
import type { JsonObject } from '../../src/domain/event.ts'
import type { Dedupe, Rule, Throttle } from '../../src/domain/rules/rule.ts'
import { createDatabase } from '../support/corner.ts'
import { makeEvent } from '../support/event.ts'

/** Two workers: each has its own connections. */
let workers: { one: Db; other: Db }
beforeAll(async () => {
  const url = await createDatabase(`t_${randomUUID().replaceAll('-', '')}`)
  workers = { one: openDb(url), other: openDb(url) }
})
afterAll(() => Promise.all(Object.values(workers).map((db) => db.$disconnect())))

const start = Date.parse('2026-11-21T10:00:00.000Z')
const later = (minutes: number) => new Date(start + minutes * 60_000)

/** A rule of its own for each test, and how it is asked. */
function makeRule(limits: { dedupe?: Dedupe; throttle?: Throttle }) {
  const definition = { name: 'r', when: { events: ['*'] }, steps: [], ...limits }
  const rule: Rule = { id: `rul_${randomUUID()}`, version: 1, definition }
  return {
    rule,
    pass: (id: string, data: JsonObject, minutes = 0, db = workers.one) =>
      passRule(db, rule, makeEvent({ id, data }), later(minutes)),
    peek: (id: string, data: JsonObject, minutes = 0) =>
      peekPasses(workers.one, rule, makeEvent({ id, data }), later(minutes)),
    passes: () => workers.one.rulePass.findMany({ where: { ruleId: rule.id } }),
  }
}

const day: Dedupe = { by: 'data.s', within: '24h' }
const twoInTen: Throttle = { limit: 2, per: '10m' }
const s1 = { s: 's1' }
const deduplicated = { heldBack: 'deduplicated' }
const throttled = { heldBack: 'throttled' }

describe('a rule without limits', () => {
  it('lets everything pass and remembers nothing', async () => {
    const { pass, passes } = makeRule({})
    expect(await pass('e1', s1)).toBeUndefined()
    expect(await pass('e2', s1)).toBeUndefined()
    expect(await passes()).toEqual([])
  })
})

describe('dedupe', () => {
  it('holds back what has the value of an event that passed, and says which', async () => {
    const { pass } = makeRule({ dedupe: day })
    expect(await pass('e1', s1)).toBeUndefined()
    expect(await pass('e2', s1, 3)).toEqual({
      heldBack: 'deduplicated',
      reason: 'deduplicated: e1 had data.s = "s1" 3 minutes ago (within 24h)',
    })
    expect(await pass('e3', s1)).toMatchObject({ reason: expect.stringContaining('"s1" just now') as string })
    expect(await pass('e4', { s: 's2' }, 3)).toBeUndefined()
  })

  it('lasts from the first event, however many it holds back', async () => {
    const { pass } = makeRule({ dedupe: { by: 'data.s', within: '10m' } })
    await pass('e1', s1)
    expect(await pass('e2', s1, 9)).toMatchObject(deduplicated)
    expect(await pass('e3', s1, 9.99)).toMatchObject(deduplicated)
    expect(await pass('e4', s1, 10)).toBeUndefined()
    expect(await pass('e5', s1, 19.99)).toMatchObject({ reason: expect.stringContaining('e4 had') as string })
  })

  it('lets everything pass that has no value there', async () => {
    const { pass, passes } = makeRule({ dedupe: day })
    expect(await pass('e1', {})).toBeUndefined()
    expect(await pass('e2', { s: null })).toBeUndefined()
    expect(await pass('e3', {})).toBeUndefined()
    expect(await passes()).toEqual([])
  })

  it('is of its rule: another one knows nothing of what passed', async () => {
    await makeRule({ dedupe: day }).pass('e1', s1)
    expect(await makeRule({ dedupe: day }).pass('e2', s1)).toBeUndefined()
  })

  it('begins anew by another path, and goes by another span at once', async () => {
    const { rule, pass } = makeRule({ dedupe: day })
    await pass('e1', { s: 'x', t: 'x' })
    rule.definition.dedupe = { by: 'data.t', within: '24h' }
    expect(await pass('e2', { s: 'x', t: 'x' })).toBeUndefined()
    rule.definition.dedupe = { by: 'data.s', within: '5m' }
    expect(await pass('e3', { s: 'x' }, 4)).toMatchObject(deduplicated)
    expect(await pass('e4', { s: 'x' }, 5)).toBeUndefined()
  })

  it('shows of a long value its beginning, and stores none of it', async () => {
    const { pass, passes } = makeRule({ dedupe: day })
    const long = { s: 'x'.repeat(10_000) }
    await pass('e1', long)
    expect((await pass('e2', long))?.reason.length).toBeLessThan(200)
    expect(JSON.stringify(await passes())).not.toContain('xx')
  })
})

describe('throttle', () => {
  it('lets so many events pass in any span, not in every one of a clock', async () => {
    const { pass } = makeRule({ throttle: twoInTen })
    expect(await pass('e1', {}, 0)).toBeUndefined()
    expect(await pass('e2', {}, 8)).toBeUndefined()
    expect(await pass('e3', {}, 9)).toEqual({
      heldBack: 'throttled',
      reason: 'throttled: 2 events in the last 10m',
    })
    expect(await pass('e4', {}, 10)).toBeUndefined()
    expect(await pass('e5', {}, 17.99)).toMatchObject(throttled)
    expect(await pass('e6', {}, 18)).toBeUndefined()
  })

  it('counts by the value at its path, and those without one together', async () => {
    const { pass } = makeRule({ throttle: { limit: 1, per: '10m', by: 'data.s' } })
    expect(await pass('e1', s1)).toBeUndefined()
    expect(await pass('e2', { s: 's2' })).toBeUndefined()
    expect(await pass('e3', s1)).toMatchObject({
      reason: 'throttled: 1 event with data.s = "s1" in the last 10m',
    })
    expect(await pass('e4', {})).toBeUndefined()
    expect(await pass('e5', { s: null })).toMatchObject({
      reason: 'throttled: 1 event without data.s in the last 10m',
    })
  })

  it('counts an event that comes late together with those that came after it', async () => {
    const { pass } = makeRule({ throttle: twoInTen })
    await pass('e1', {}, 0)
    await pass('e2', {}, 10.2)
    expect(await pass('late', {}, 9.9)).toMatchObject(throttled)
  })
})

describe('dedupe and throttle together', () => {
  const both = { dedupe: day, throttle: { limit: 1, per: '10m' } }

  it('count nothing that one of them holds back: what was throttled once is no duplicate later', async () => {
    const { pass } = makeRule(both)
    await pass('e1', s1)
    expect(await pass('e2', { s: 's2' }, 5)).toMatchObject(throttled)
    expect(await pass('e3', { s: 's2' }, 10)).toBeUndefined()
  })

  it('say that it is a duplicate where both hold it back, and a duplicate uses up no place', async () => {
    const { pass } = makeRule(both)
    await pass('e1', s1)
    expect(await pass('e2', s1, 5)).toMatchObject(deduplicated)
    expect(await pass('e3', s1, 11)).toMatchObject(deduplicated)
    expect(await pass('e4', { s: 's2' }, 11)).toBeUndefined()
  })
})

describe('asked again about the same event', () => {
  it('the answer is the same for as long as it counts, and it counts once', async () => {
    const { pass, passes } = makeRule({ dedupe: day, throttle: twoInTen })
    await pass('e1', s1)
    const counted = await passes()
    expect(await pass('e1', s1, 5)).toBeUndefined()
    expect(await passes()).toEqual(counted)
    expect(await pass('e2', { s: 's2' }, 6)).toBeUndefined()
    expect(await pass('e1', s1, 7)).toBeUndefined()
    expect(await pass('e3', { s: 's3' }, 7)).toMatchObject(throttled)
  })

  it('and not to count it, nothing is counted', async () => {
    const { pass, peek, passes } = makeRule({ dedupe: day })
    expect(await peek('e1', s1)).toBeUndefined()
    expect(await passes()).toEqual([])
    await pass('e2', s1)
    expect(await peek('e1', s1)).toMatchObject(deduplicated)
    expect(await peek('e2', s1)).toBeUndefined()
  })
})

describe('many at once, over two workers', () => {
  const times = Array.from({ length: 50 }, (_, index) => index)

  it('are let pass as often as they may', async () => {
    const { pass, passes } = makeRule({ throttle: { limit: 7, per: '10m' } })
    const answers = await Promise.all(
      times.map((n) => pass(`e${n}`, {}, 0, n % 2 ? workers.one : workers.other)),
    )
    expect(answers.filter((held) => held === undefined)).toHaveLength(7)
    expect(await passes()).toHaveLength(7)
  })

  it('are one with the same value, whichever it is', async () => {
    const { pass } = makeRule({ dedupe: day, throttle: { limit: 40, per: '10m' } })
    const answers = await Promise.all(
      times.map((n) => pass(`e${n}`, { s: n % 5 }, 0, n % 2 ? workers.one : workers.other)),
    )
    const passed = times.filter((n) => answers[n] === undefined)
    expect(passed.map((n) => n % 5).sort()).toEqual([0, 1, 2, 3, 4])
  })

  it('that are one event are counted once', async () => {
    const { pass, passes } = makeRule({ dedupe: day, throttle: twoInTen })
    const answers = await Promise.all(
      times.map((n) => pass('e1', s1, 0, n % 2 ? workers.one : workers.other)),
    )
    expect(answers).toEqual(times.map(() => undefined))
    expect(await passes()).toHaveLength(2)
  })
})

describe('what holds nothing back any more', () => {
  it('is forgotten when another event of its key passes', async () => {
    const { pass, passes } = makeRule({ throttle: { limit: 1, per: '10m', by: 'data.s' } })
    await pass('e1', s1)
    await pass('e2', { s: 's2' })
    await pass('e3', s1, 30)
    expect((await passes()).map(({ eventId }) => eventId).sort()).toEqual(['e2', 'e3'])
  })

  it('is forgotten by the sweep, and nothing else', async () => {
    const { pass, passes } = makeRule({ dedupe: { by: 'data.s', within: '10m' } })
    await pass('e1', s1)
    await pass('e2', { s: 's2' }, 1)
    expect(await sweepPasses(workers.one, later(10))).toBeGreaterThan(0)
    expect((await passes()).map(({ eventId }) => eventId)).toEqual(['e2'])
  })
})
