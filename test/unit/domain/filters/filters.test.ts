import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../../../src/domain/event.ts'
import { filterProblems, filterSubject, passesFilter } from '../../../../src/domain/filters/filters.ts'

const subject: JsonObject = {
  id: 'evt_1',
  type: 'aml.match.found',
  data: {
    risk: 'high',
    score: 97,
    zero: 0,
    no: false,
    empty: '',
    nothing: null,
    tags: ['pep', 'sanctions'],
    matches: [{ list: 'OFAC', score: 97 }, { list: 'EU', score: null }, { name: 'x' }],
    customer: { country: { code: 'DE' }, note: null },
    list: [],
  },
}

const rows: [filter: JsonObject, passes: boolean][] = [
  [{}, true],
  // Equality, at the top and by dotted paths.
  [{ type: 'aml.match.found' }, true],
  [{ type: 'aml.match' }, false],
  [{ 'data.risk': 'high' }, true],
  [{ 'data.risk': 'low' }, false],
  [{ 'data.risk': { $eq: 'high' } }, true],
  [{ 'data.customer.country.code': 'DE' }, true],
  [{ 'data.customer.country.code': 'FR' }, false],
  [{ 'data.score': 97, 'data.risk': 'high' }, true],
  [{ 'data.score': 97, 'data.risk': 'low' }, false],
  [{ 'data.customer.country': { code: 'DE' } }, true],
  [{ 'data.customer': { country: { code: 'DE' }, note: null } }, true],
  [{ 'data.customer': { country: { code: 'DE' } } }, false],
  // What looks alike is not the same.
  [{ 'data.score': '97' }, false],
  [{ 'data.zero': false }, false],
  [{ 'data.zero': null }, false],
  [{ 'data.no': 0 }, false],
  [{ 'data.no': null }, false],
  [{ 'data.empty': null }, false],
  [{ 'data.empty': '' }, true],
  [{ 'data.zero': 0 }, true],
  [{ 'data.no': false }, true],
  // Null is a value; absent is none.
  [{ 'data.nothing': null }, true],
  [{ 'data.nothing': { $eq: null } }, true],
  [{ 'data.nothing': { $in: [null, 'x'] } }, true],
  [{ 'data.nothing': { $exists: true } }, true],
  [{ 'data.nothing': { $exists: false } }, false],
  [{ 'data.absent': null }, false],
  [{ 'data.absent': { $eq: null } }, false],
  [{ 'data.absent': { $in: [null, 'x'] } }, false],
  [{ 'data.absent': { $exists: true } }, false],
  [{ 'data.absent': { $exists: false } }, true],
  [{ 'data.absent': 'x' }, false],
  [{ 'data.absent': '' }, false],
  [{ 'data.absent': false }, false],
  [{ 'data.absent': 0 }, false],
  [{ 'data.absent': [] }, false],
  [{ 'data.absent': {} }, false],
  [{ 'data.absent.deeper': { $exists: false } }, true],
  [{ 'data.nothing.deeper': { $exists: false } }, true],
  [{ 'data.nothing.deeper': null }, false],
  [{ 'data.risk.deeper': null }, false],
  [{ absent: null }, false],
  [{ $or: [{ 'data.absent': null }, { 'data.absent': { $eq: null } }] }, false],
  [{ $and: [{ 'data.risk': 'high' }, { 'data.absent': null }] }, false],
  [{ $nor: [{ 'data.absent': null }] }, true],
  [{ 'data.absent': { $not: { $eq: null } } }, true],
  // "Not" is said of what is absent, too.
  [{ 'data.absent': { $ne: 'x' } }, true],
  [{ 'data.absent': { $nin: ['x'] } }, true],
  [{ 'data.risk': { $ne: 'high' } }, false],
  [{ 'data.risk': { $nin: ['high', 'low'] } }, false],
  [{ 'data.nothing': { $ne: null } }, false],
  [{ 'data.risk': { $ne: null } }, true],
  [{ 'data.risk': { $not: { $eq: 'high' } } }, false],
  [{ 'data.risk': { $not: { $eq: 'low' } } }, true],
  // Order: only among values of one kind.
  [{ 'data.score': { $gt: 96 } }, true],
  [{ 'data.score': { $gt: 97 } }, false],
  [{ 'data.score': { $gte: 97 } }, true],
  [{ 'data.score': { $lt: 98, $gt: 96 } }, true],
  [{ 'data.score': { $lte: 96 } }, false],
  [{ 'data.risk': { $gt: 'a' } }, true],
  [{ 'data.score': { $gt: '5' } }, false],
  [{ 'data.risk': { $gt: 5 } }, false],
  [{ 'data.nothing': { $lt: 5 } }, false],
  [{ 'data.absent': { $lt: 5 } }, false],
  [{ 'data.absent': { $gte: 0 } }, false],
  // Lists.
  [{ 'data.risk': { $in: ['high', 'critical'] } }, true],
  [{ 'data.risk': { $in: ['low'] } }, false],
  [{ 'data.risk': { $in: ['hig'] } }, false],
  [{ 'data.tags': 'pep' }, true],
  [{ 'data.tags': 'pe' }, false],
  [{ 'data.tags': ['pep', 'sanctions'] }, true],
  [{ 'data.tags': ['sanctions', 'pep'] }, false],
  [{ 'data.tags': { $in: ['pep'] } }, true],
  [{ 'data.tags': { $nin: ['pep'] } }, false],
  [{ 'data.tags': { $all: ['sanctions', 'pep'] } }, true],
  [{ 'data.tags': { $all: ['pep', 'fraud'] } }, false],
  [{ 'data.tags': { $size: 2 } }, true],
  [{ 'data.tags': { $size: 1 } }, false],
  [{ 'data.list': { $size: 0 } }, true],
  [{ 'data.absent': { $size: 0 } }, false],
  [{ 'data.matches.list': 'EU' }, true],
  [{ 'data.matches.list': 'UN' }, false],
  [{ 'data.matches.0.list': 'OFAC' }, true],
  [{ 'data.matches.1.list': 'OFAC' }, false],
  [{ 'data.matches.score': null }, true],
  [{ 'data.matches.absent': null }, false],
  [{ 'data.matches.absent': { $exists: false } }, true],
  [{ 'data.matches': { $elemMatch: { list: 'OFAC', score: { $gt: 90 } } } }, true],
  [{ 'data.matches': { $elemMatch: { list: 'EU', score: { $gt: 90 } } } }, false],
  [{ 'data.matches': { $elemMatch: { list: 'EU', score: null } } }, true],
  [{ 'data.matches': { $elemMatch: { name: 'x', score: null } } }, false],
  [{ 'data.absent': { $elemMatch: { list: 'EU' } } }, false],
  // Logic.
  [{ $or: [{ 'data.risk': 'low' }, { 'data.score': { $gt: 90 } }] }, true],
  [{ $or: [{ 'data.risk': 'low' }, { 'data.score': { $gt: 99 } }] }, false],
  [{ $and: [{ 'data.risk': 'high' }, { $or: [{ type: 'x' }, { 'data.tags': 'pep' }] }] }, true],
  [{ $nor: [{ 'data.risk': 'high' }, { type: 'x' }] }, false],
  [{ $nor: [{ 'data.risk': 'low' }, { type: 'x' }] }, true],
  // What every object inherits is not in the payload.
  [{ 'data.toString': { $exists: true } }, false],
  [{ 'data.constructor': { $exists: true } }, false],
  [{ 'data.__proto__': { $exists: true } }, false],
]

/** The rows of the documentation's truth table: the filter, the event's data, whether it passes, and why. */
const documented = readFileSync(new URL('../../../../docs/reference/filters.md', import.meta.url), 'utf8')
  .split('## The truth table')[1]
  ?.split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [filter = '', data = '', passes, why] = line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) =>
        cell
          .trim()
          .replace(/^`(.*)`$/, '$1')
          .replaceAll('\\|', '|'),
      )
    return { filter, data, passes, why }
  })

describe('the truth table of docs/reference/filters.md', () => {
  it('is there as a whole', () => {
    expect(documented?.length).toBeGreaterThanOrEqual(65)
    expect(documented?.filter(({ passes }) => passes === 'yes').length).toBeGreaterThanOrEqual(25)
  })

  it.each(documented ?? [])('$filter of $data: $passes ($why)', ({ filter, data, passes }) => {
    const parsed = JSON.parse(filter) as JsonObject
    const event = { id: 'evt_1', type: 'aml.match.found', data: JSON.parse(data) as JsonObject }
    expect(filterProblems(parsed)).toEqual([])
    expect(passesFilter(parsed, filterSubject(event)) ? 'yes' : 'no').toBe(passes)
  })

  it('says of every operator what it does', () => {
    const page = readFileSync(new URL('../../../../docs/reference/filters.md', import.meta.url), 'utf8')
    const [{ message } = { message: '' }] = filterProblems({ a: { $unknown: 1 } })
    const known = message.match(/\$\w+/g) ?? []
    expect(known.length).toBeGreaterThan(15)
    for (const operator of known) expect(page).toMatch(new RegExp(`^\\|[^|]*\`\\${operator}\``, 'm'))
  })
})

describe('a filter', () => {
  it.each(rows)('%j passes: %s', (filter, passes) => {
    expect(filterProblems(filter)).toEqual([])
    expect(passesFilter(filter, subject)).toBe(passes)
  })

  it('passes everything when there is none', () => {
    expect(passesFilter(undefined, subject)).toBe(true)
  })

  // Where Convoy fails open (FIELD §1f).
  it('does not pass a payload that lacks a field which is asked for', () => {
    const filter = { 'kyc.status': 'rejected', 'kyc.region': 'EU' }
    expect(passesFilter(filter, { kyc: { status: 'rejected' } })).toBe(false)
    expect(passesFilter(filter, { kyc: { status: 'rejected', region: 'EU' } })).toBe(true)
  })

  it('tells absent from present by $exists, alone and beside another condition', () => {
    const absent = { 'kyc.region': { $exists: false } }
    expect(passesFilter(absent, { kyc: { status: 'rejected' } })).toBe(true)
    expect(passesFilter(absent, { kyc: { region: 'EU' } })).toBe(false)
    const present = { 'kyc.status': 'rejected', 'kyc.region': { $exists: true } }
    expect(passesFilter(present, { kyc: { status: 'rejected' } })).toBe(false)
    expect(passesFilter(present, { kyc: { status: 'rejected', region: 'EU' } })).toBe(true)
  })

  it('never passes an absent field by comparing it with a value, whatever the value', () => {
    const plain = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
    fc.assert(
      fc.property(plain, (value) => {
        const comparisons = [
          value,
          ...['$eq', '$gt', '$gte', '$lt', '$lte'].map((name) => ({ [name]: value })),
          { $in: [value] },
        ]
        for (const comparison of comparisons) {
          if (filterProblems({ absent: comparison }).length > 0) continue
          expect(passesFilter({ absent: comparison }, { other: value })).toBe(false)
        }
      }),
    )
  })

  it('is decided at once by lists inside of lists, however its operators are nested', () => {
    const nested = (depth: number): Json =>
      depth === 0 ? ['x', 'y'] : [nested(depth - 1), nested(depth - 1)]
    const wrapped = (operator: string, depth: number, inner: JsonObject): JsonObject =>
      depth === 0 ? inner : { [operator]: wrapped(operator, depth - 1, inner) }
    for (const operator of ['$not', '$elemMatch']) {
      const filter = { a: wrapped(operator, 16, { $eq: 'z' }) }
      expect(filterProblems(filter)).toEqual([])
      expect(passesFilter(filter, { a: nested(12) })).toBe(false)
    }
  })

  it('does not change what it is given', () => {
    const filter = { a: null, $or: [{ b: { $in: [null] } }] }
    const before = structuredClone(filter)
    passesFilter(filter, { a: null, b: null })
    expect(filter).toEqual(before)
  })
})

describe('a filter is refused, with the path of what is wrong,', () => {
  it.each<[filter: JsonObject, paths: string[]]>([
    [{ $where: 'this.a' }, ['$where']],
    [{ a: { $regex: '(' } }, ['a.$regex']],
    [{ a: { $regex: '(?=a)b' } }, ['a.$regex']],
    [{ a: { $regex: '(a)\\1' } }, ['a.$regex']],
    [{ a: { $regex: 5 } }, ['a.$regex']],
    [{ a: { $regex: 'x'.repeat(1001) } }, ['a.$regex']],
    [{ a: { $regex: 'a{1000}'.repeat(100) } }, ['a.$regex']],
    [{ a: { $regex: 'a', $options: 'g' } }, ['a.$options']],
    [{ a: { $options: 'i' } }, ['a.$options']],
    [{ a: { $in: Array<number>(1001).fill(1) } }, ['a.$in']],
    [{ a: { $size: -1 } }, ['a.$size']],
    [{ a: { $not: { b: 1 } } }, ['a.$not']],
    [{ a: { $eq: { $gt: 1 } } }, ['a.$eq.$gt']],
    [{ $gt: 1 }, ['$gt']],
    [{ $or: [{ a: 1 }, { $exists: true }] }, ['$or.1.$exists']],
    [{ a: { $function: 'x' } }, ['a.$function']],
    [{ a: { $mod: [2, 0] } }, ['a.$mod']],
    [{ a: { $type: 'string' } }, ['a.$type']],
    [{ $expr: {} }, ['$expr']],
    [{ $or: [{ a: 1 }, { b: { $regexp: 'x' } }] }, ['$or.1.b.$regexp']],
    [{ a: { $not: { $like: 'x' } }, b: { $is: 1 } }, ['a.$not.$like', 'b.$is']],
    [{ a: { $elemMatch: { b: { $near: 1 } } } }, ['a.$elemMatch.b.$near']],
    [{ a: { $eq: { $where: 'x' } } }, ['a.$eq.$where']],
    [{ a: { $IN: ['x'] } }, ['a.$IN']],
    [{ a: { $in: 'x' } }, ['a.$in']],
    [{ a: { $in: [] } }, ['a.$in']],
    [{ a: { $nin: 5 } }, ['a.$nin']],
    [{ a: { $all: [] } }, ['a.$all']],
    [{ a: { $all: 'x' } }, ['a.$all']],
    [{ a: { $gt: { b: 1 } } }, ['a.$gt']],
    [{ a: { $gte: null } }, ['a.$gte']],
    [{ a: { $lte: [1] } }, ['a.$lte']],
    [{ a: { $size: '2' } }, ['a.$size']],
    [{ a: { $exists: 'no' } }, ['a.$exists']],
    [{ a: { $exists: 0 } }, ['a.$exists']],
    [{ a: { $exists: null } }, ['a.$exists']],
    [{ a: { $not: 5 } }, ['a.$not']],
    [{ a: { $elemMatch: 5 } }, ['a.$elemMatch']],
    [{ $and: {} }, ['$and']],
    [{ $and: [] }, ['$and']],
    [{ $or: [5] }, ['$or']],
    [{ $nor: [null] }, ['$nor']],
    [{ $and: [{ $or: [] }] }, ['$and.0.$or']],
    [{ a: { $gt: 1, b: 2 } }, ['a.b']],
    [{ a: { $and: [{ $gt: 1 }] } }, ['a.$and']],
  ])('%j', (filter, paths) => {
    const problems = filterProblems(filter)
    expect(problems.map(({ path }) => path.join('.'))).toEqual(paths)
    expect(problems.map(({ message }) => message).join()).toMatch(
      /is not a known operator|must |mixes |needs |allowed /,
    )
  })

  it('when it is nested too deeply', () => {
    const deep = (levels: number): JsonObject => (levels === 0 ? { a: 1 } : { $and: [deep(levels - 1)] })
    expect(filterProblems(deep(5))).toEqual([])
    expect(filterProblems(deep(30))).toMatchObject([{ message: 'is nested too deeply (at most 20 levels)' }])
  })

  it('when it is too large, before its patterns are looked at', () => {
    const patterns = (count: number) => ({
      $or: Array.from({ length: count }, () => ({ a: { $regex: '(' } })),
    })
    expect(filterProblems({ a: 'x'.repeat(20_000) })).toMatchObject([
      { path: [], message: expect.stringMatching(/16384 bytes/) as string },
    ])
    expect(filterProblems({ $or: Array.from({ length: 201 }, () => ({ a: 1 })) })).toMatchObject([
      { path: [], message: expect.stringMatching(/200 fields/) as string },
    ])
    expect(filterProblems(patterns(11))).toMatchObject([
      { path: [], message: expect.stringMatching(/10 \$regex/) as string },
    ])
    expect(filterProblems(patterns(10))).toHaveLength(10)
    expect(filterProblems({ a: { $regex: 'a{200}' }, b: { $regex: 'a{200}' } })).toMatchObject([
      { path: [], message: expect.stringMatching(/too large in total/) as string },
    ])
  })

  it('with what is wrong with a pattern in plain words', () => {
    const messageOf = ($regex: string) => filterProblems({ a: { $regex } })[0]?.message
    expect(messageOf('(?=a)b')).toMatch(/RE2 syntax: .*`\(\?=`; lookaround is not supported/)
    expect(messageOf('(?<!a)b')).toMatch(/lookaround is not supported/)
    expect(messageOf('(a)\\1')).toMatch(/backreferences are not supported/)
    expect(messageOf('a(')).toMatch(/missing closing \)/)
  })

  it('rather than failing when an event comes: what is not refused can be evaluated', () => {
    const operator = fc.constantFrom(
      '$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$exists', '$and', '$or', '$nor', '$not', '$all',
      '$elemMatch', '$size', '$regex', '$options', 'a', 'b.c', 'toString', 'valueOf', 'toJSON',
    ) // prettier-ignore
    const { filter } = fc.letrec<{ filter: JsonObject; value: JsonObject[string] }>((tie) => ({
      filter: fc.dictionary(operator, tie('value'), { maxKeys: 3, noNullPrototype: true }),
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, false, 0, 1, 'x', '', 'i', '\\ud800'),
        tie('filter'),
        fc.array(tie('value'), { maxLength: 2 }),
      ),
    }))
    const subjects: JsonObject[] = [
      {},
      { a: { toString: 1, valueOf: 1, toJSON: 1 }, toString: { valueOf: 'x' } },
      { a: 1 },
      { a: [1, { a: 1 }], b: { c: null } },
      { a: null, b: [{ c: 'x' }] },
    ]
    fc.assert(
      fc.property(filter, (candidate) => {
        fc.pre(filterProblems(candidate).length === 0)
        for (const one of subjects) expect(typeof passesFilter(candidate, one)).toBe('boolean')
      }),
      { numRuns: 2000 },
    )
  })
})
