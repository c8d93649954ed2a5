import { describe, expect, it } from 'vitest'
import { catalogues, catalogueTypes, findEntry, nearestTypes } from '../../../src/domain/catalogue/index.ts'
import { renderStrictLine } from '../../../src/templates/liquid.ts'
import { templateScope } from '../../../src/templates/content.ts'
import { catalogueTitle } from '../../../src/domain/catalogue/titles.ts'
import { maxEventTypeLength, eventTypePattern } from '../../../src/domain/event.ts'
import { readableType } from '../../../src/domain/title.ts'
import { makeEvent } from '../../support/event.ts'

const entries = catalogues.flatMap(({ groups }) => groups.flatMap(({ types }) => types))
const names = entries.flatMap(({ type, aliases = [] }) => [type, ...aliases])

describe('the catalogue', () => {
  it.each<[contract: string, groups: Record<string, string[]>]>([
    [
      'webhooks-api',
      {
        'Onboarding Session Events': [
          'onboarding.created', 'onboarding.ddq_completed', 'onboarding.verification_completed',
          'onboarding.completed', 'onboarding.expired', 'onboarding.revoked', 'onboarding.link_regenerated',
        ],
        'Response Workflow Events': [
          'response.created', 'response.submitted', 'response.reviewed', 'response.approved', 'response.rejected',
          'response.autofill_completed', 'response.check_answers_completed', 'response.autoflag_completed',
        ],
        'AML Screening Events': [
          'screening.completed', 'screening.failed', 'batch.completed', 'batch.progress', 'batch.failed',
        ],
        'Identity Verification Events': [
          'verification.session_created', 'verification.session_accessed', 'verification.session_completed',
          'verification.session_failed', 'verification.session_expired', 'verification.check_completed',
          'non_document.check_initiated', 'non_document.completed', 'non_document.reviewed',
        ],
        'Case & Alert Events': ['case.opened', 'case.resolved', 'alert.created'],
        'Special Event Types': ['test'],
      },
    ],
    ['dataspike', { Webhooks: ['DOCVER', 'APPLICANT', 'AML'] }],
    [
      'kyc-webhooks',
      {
        session: [
          'kyc.session.created', 'kyc.session.completed', 'kyc.session.processed', 'kyc.session.status_changed',
        ],
        watchlist: ['kyc.watchlist.match_found', 'kyc.watchlist.status_changed'],
      },
    ],
    [
      'smart-kyc',
      {
        'Submission Events': [
          'submission.created', 'submission.completed', 'submission.approved', 'submission.rejected',
          'submission.updated',
        ],
        'Invitation Events': ['invitation.sent', 'invitation.expired', 'invitation.cancelled'],
        'AML Events': ['aml.screening.completed', 'aml.match.found', 'aml.match.dismissed'],
      },
    ],
  ])('names the types of %s as its document does', (contract, groups) => {
    const catalogue = catalogues.find((one) => one.contract === contract)
    expect(catalogue?.groups.map(({ name, types }) => [name, types.map(({ type }) => type)])).toEqual(
      Object.entries(groups),
    )
  }) // prettier-ignore

  it('has four contracts and our own types, and lists them all', () => {
    expect(catalogues.map(({ contract }) => contract)).toEqual([
      'webhooks-api',
      'dataspike',
      'kyc-webhooks',
      'smart-kyc',
      'switchyard',
    ])
    expect(catalogueTypes).toEqual(entries.map(({ type }) => type))
    expect(catalogueTypes).toHaveLength(33 + 3 + 6 + 11 + 8)
  })

  it('uses no type or alias twice', () => {
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  it.each(names)('names a type that an event can have: %s', (name) => {
    expect(name).toMatch(eventTypePattern)
    expect(name.length).toBeLessThanOrEqual(maxEventTypeLength)
  })
})

describe('a sample', () => {
  it.each(entries)('of $type is JSON with 4 to 12 fields', ({ sample, description }) => {
    expect(JSON.parse(JSON.stringify(sample))).toStrictEqual(sample)
    expect(Object.keys(sample).length).toBeGreaterThanOrEqual(4)
    expect(Object.keys(sample).length).toBeLessThanOrEqual(12)
    expect(description).not.toBe('')
  })

  it('is the type’s own', () => {
    expect(new Set(entries.map(({ sample }) => JSON.stringify(sample))).size).toBe(entries.length)
  })

  it('has mail addresses of example.com only', () => {
    const domains = JSON.stringify(entries).match(/(?<=@)[\w.-]+/g) ?? []
    expect(domains.length).toBeGreaterThan(0)
    expect(domains.filter((domain) => !/(^|\.)example\.com$/.test(domain))).toEqual([])
  })

  it('is the document’s where the document prints one', () => {
    expect(findEntry('DOCVER')?.sample).toEqual({
      id: 'b86a3cbe-7880-4759-a4f3-9bcabac3cf3c',
      checks: { passport: { data: [], errors: [], status: 'in_progress', warnings: [] } },
      status: 'verified',
      created_at: '2022-09-08T20:25:40.636471Z',
      updated_at: '2022-09-08T20:25:40.636480Z',
      applicant_id: '4da42a83-14db-4f19-9820-19cc10ad21cf',
      document_ids: ['bd59f3da-b89d-4198-be1d-9b65477ddfb1'],
      document_type: 'passport',
    })
    expect(findEntry('submission.completed')?.sample).toEqual({
      submissionId: 'sub_123456',
      invitationId: 'inv_123456',
      customerEmail: 'customer@example.com',
      workflowId: 'wf_123456',
      workflowName: 'Basic KYC',
      status: 'completed',
      submittedAt: '2024-01-15T10:30:00Z',
      responses: { firstName: 'John', lastName: 'Doe', email: 'john@example.com' },
    })
    expect(findEntry('aml.match.found')?.sample).toEqual({
      submissionId: 'sub_123456',
      matchType: 'sanctions',
      matchScore: 0.95,
      matchedName: 'John Doe',
      sourceList: 'OFAC',
      riskLevel: 'high',
    })
  })
})

describe('an entry', () => {
  it.each([
    ['aml.match.found', 'aml.match.found'],
    ['DOCVER', 'DOCVER'],
    ['DOCVER_EVENT', 'DOCVER'],
    ['AML_SCREENING', 'AML'],
  ])('is found by %s', (name, type) => {
    expect(findEntry(name)?.type).toBe(type)
  })

  it.each(['all', 'docver', 'aml.match', 'constructor', ''])('is not found by %j', (name) => {
    expect(findEntry(name)).toBeUndefined()
  })
})

describe('the types nearest to', () => {
  it.each<[typed: string, first: string]>([
    ['screening.complete', 'screening.completed'],
    ['screening.completed', 'screening.completed'],
    ['Screening.Compleeted', 'screening.completed'],
    ['submision.aproved', 'submission.approved'],
    ['invitation.canceled', 'invitation.cancelled'],
    ['docver', 'DOCVER'],
    ['tset', 'test'],
    ['aml.match.fond', 'aml.match.found'],
    ['match_found', 'kyc.watchlist.match_found'],
  ])('%s begin with %s', (typed, first) => {
    expect(nearestTypes(typed, catalogueTypes)[0]).toBe(first)
  })

  it.each<[what: string, typed: string, among: readonly string[], nearest: string[]]>([
    ['a prefix', 'aml.match', catalogueTypes, ['aml.match.found', 'aml.match.dismissed']],
    ['a dotted part', 'watchlist', catalogueTypes, ['kyc.watchlist.match_found', 'kyc.watchlist.status_changed']],
    ['names that hold it before names that look like it', 'case', ['test', 'cast', 'case.opened'],
      ['case.opened', 'cast', 'test']],
    ['at most three', 'submission', catalogueTypes,
      ['submission.created', 'submission.updated', 'submission.approved']],
    ['the order of the list among equals', 'ab', ['abd', 'abc'], ['abd', 'abc']],
    ['three edits of a short text', 'abcd', ['xyzd', 'wxyz'], ['xyzd']],
    ['half the length of a long text', 'abcdefghij', ['abcdevwxyz', 'abcduvwxyz'], ['abcdevwxyz']],
    ['nothing near', 'zzzzzzzzzzzz', catalogueTypes, []],
    ['a short text that is like nothing', 'foo', catalogueTypes, []],
    ['no text', '', catalogueTypes, []],
    ['no names', 'test', [], []],
  ])('%s', (_what, typed, among, nearest) => {
    expect(nearestTypes(typed, among)).toEqual(nearest)
  }) // prettier-ignore
})

describe('the title of a type', () => {
  // A digest's title counts its events, and is no template.
  const titled = entries.filter(({ type }) => type !== 'digest')
  it.each(titled.map(({ type, sample }) => [type, sample] as const))(
    '%s says what happened',
    (type, sample) => {
      const template = catalogueTitle(type) ?? ''
      const scope = templateScope({
        event: makeEvent({ type, data: sample }),
        destination: { id: '', name: '' },
      })
      const title = renderStrictLine(template, scope, 1000)
      expect(title).toMatch(/^\S[^{}]{8,90}$/)
      expect(title).not.toBe(readableType(type))
    },
  )
})
