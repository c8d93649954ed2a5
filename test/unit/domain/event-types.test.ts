import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventTypeGlob, fitsEventType, nameSubscribedTo } from '../../../src/domain/routing/event-types.ts'
import { eventTypePattern } from '../../../src/domain/event.ts'

describe('an event type', () => {
  it.each([
    ['all', 'aml.match.found'],
    ['*', 'aml.match.found'],
    ['*', 'DOCVER'],
    ['aml.match.found', 'aml.match.found'],
    ['aml.*', 'aml.match'],
    ['aml.*', 'aml.match.found'],
    ['*.found', 'aml.match.found'],
    ['aml.*.found', 'aml.match.found'],
    ['aml.*.found', 'aml.a.b.found'],
    ['*.match.*', 'aml.match.found'],
    ['a*a', 'aba'],
    ['a*a', 'aa'],
    ['*a*a*', 'banana'],
    ['a**b', 'ab'],
    ['document*', 'document'],
    ['all', 'all'],
  ])('fits: %s takes %s', (pattern, type) => {
    expect(fitsEventType(pattern, type)).toBe(true)
  })

  it.each([
    ['aml.match.found', 'aml.match.found.again'],
    ['aml.match', 'aml.match.found'],
    ['aml.*', 'aml'],
    ['aml.*', 'aml-match'],
    ['aml.*', 'xaml.match'],
    ['*.found', 'aml.match.founder'],
    ['*.found', 'found'],
    ['aml.*.found', 'aml.found'],
    ['a*a', 'a'],
    ['ab*ba', 'aba'],
    ['*a*a*a*a*', 'banana'],
    ['aml.match.found', 'AML.match.found'],
    ['a.b', 'axb'],
    ['all.x', 'aml.x'],
    ['', 'aml'],
  ])('does not fit: %s leaves %s', (pattern, type) => {
    expect(fitsEventType(pattern, type)).toBe(false)
  })

  it('fits a pattern that was made by putting stars into it', () => {
    const type = fc.stringMatching(eventTypePattern).filter((text) => text.length > 0)
    const spans = fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { maxLength: 4 })
    fc.assert(
      fc.property(type, spans, (text, cuts) => {
        const pattern = cuts.reduce((so, [at, length]) => `${so.slice(0, at)}*${so.slice(at + length)}`, text)
        // A cut may swallow a star that an earlier cut put there, and never anything else.
        expect(fitsEventType(pattern, text)).toBe(true)
      }),
    )
  })

  it('is compared in linear time even by a pattern of many stars', () => {
    expect(fitsEventType(`${'a*'.repeat(60)}b`, 'a'.repeat(128))).toBe(false)
  })
})

describe('an event type that goes by several names', () => {
  it.each([
    ['AML', 'AML_SCREENING'],
    ['AML_SCREENING', 'AML'],
    ['AML', 'AML'],
    ['AML_SCREENING', 'AML_SCREENING'],
    ['DOCVER', 'DOCVER_EVENT'],
    ['DOCVER_EVENT', 'DOCVER'],
    ['AML_*', 'AML'],
    ['*_EVENT', 'DOCVER'],
    ['all', 'AML_SCREENING'],
  ])('fits under each of them: %s takes %s', (pattern, type) => {
    expect(fitsEventType(pattern, type)).toBe(true)
  })

  it.each([
    ['AML', 'DOCVER'],
    ['AML_SCREENING', 'DOCVER_EVENT'],
    ['DOCVER_EVENT', 'APPLICANT'],
    ['aml_screening', 'AML'],
    ['AML_SCREENING', 'aml.match.found'],
    ['APPLICANT_EVENT', 'APPLICANT'],
  ])('fits under no other: %s leaves %s', (pattern, type) => {
    expect(fitsEventType(pattern, type)).toBe(false)
  })

  it.each<[patterns: string[], type: string, name: string]>([
    [['AML_SCREENING'], 'AML', 'AML_SCREENING'],
    [['AML'], 'AML_SCREENING', 'AML'],
    [['DOCVER_EVENT'], 'DOCVER', 'DOCVER_EVENT'],
    [['AML', 'AML_SCREENING'], 'AML_SCREENING', 'AML_SCREENING'],
    [['AML_SCREENING', 'AML'], 'AML', 'AML'],
    [['APPLICANT', 'AML_SCREENING'], 'AML', 'AML_SCREENING'],
    [['DOCVER_EVENT'], 'AML', 'AML'],
    [['all'], 'AML_SCREENING', 'AML_SCREENING'],
    [['AML_*'], 'AML', 'AML'],
    [['aml.*'], 'aml.match.found', 'aml.match.found'],
    [[], 'AML', 'AML'],
  ])('to a subscriber of %j, %s is %s', (patterns, type, name) => {
    expect(nameSubscribedTo(patterns, type)).toBe(name)
  })
})

describe('a subscription’s pattern', () => {
  it.each(['all', '*', 'aml.*', '*.found', 'DOCVER', 'non_document.check-initiated', 'aml.*.found', 'a*b.c'])(
    'may be %s',
    (pattern) => {
      expect(pattern).toMatch(eventTypeGlob)
    },
  )
  it.each([
    '',
    '.',
    'aml.',
    '.aml',
    'aml..match',
    'aml match',
    'aml/*',
    'ämL',
    'aml.*\n',
    'a,b',
    '[a]',
    'a?',
  ])('may not be %j', (pattern) => {
    expect(pattern).not.toMatch(eventTypeGlob)
  })
})
