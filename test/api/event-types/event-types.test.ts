import { expect, it } from 'vitest'
import { catalogueTypes } from '../../../src/domain/catalogue/index.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeTenant } from '../../support/stack.ts'

const stack = sharedStack({ workers: false })

interface EventType {
  type: string
  aliases: string[]
  description: string
  group: string
  contract: string
  sample: object
}

async function list(): Promise<EventType[]> {
  const { api } = await makeTenant(stack)
  return ((await api.get('/event-types').expect(200)).body as { data: EventType[] }).data
}

it.each([
  ['webhooks-api', [
    'onboarding.created', 'onboarding.ddq_completed', 'onboarding.verification_completed', 'onboarding.completed',
    'onboarding.expired', 'onboarding.revoked', 'onboarding.link_regenerated', 'response.created',
    'response.submitted', 'response.reviewed', 'response.approved', 'response.rejected',
    'response.autofill_completed', 'response.check_answers_completed', 'response.autoflag_completed',
    'screening.completed', 'screening.failed', 'batch.completed', 'batch.progress', 'batch.failed',
    'verification.session_created', 'verification.session_accessed', 'verification.session_completed',
    'verification.session_failed', 'verification.session_expired', 'verification.check_completed',
    'non_document.check_initiated', 'non_document.completed', 'non_document.reviewed', 'case.opened',
    'case.resolved', 'alert.created', 'test',
  ]],
  ['dataspike', ['DOCVER', 'APPLICANT', 'AML']],
  ['kyc-webhooks', [
    'kyc.session.created', 'kyc.session.completed', 'kyc.session.processed', 'kyc.session.status_changed',
    'kyc.watchlist.match_found', 'kyc.watchlist.status_changed',
  ]],
  ['smart-kyc', [
    'submission.created', 'submission.completed', 'submission.approved', 'submission.rejected', 'submission.updated',
    'invitation.sent', 'invitation.expired', 'invitation.cancelled', 'aml.screening.completed', 'aml.match.found',
    'aml.match.dismissed',
  ]],
])('GET /api/v1/event-types lists the types of %s, in its document’s order', async (contract, types) => {
  const listed = (await list()).filter((entry) => entry.contract === contract)
  expect(listed.map(({ type }) => type)).toEqual(types)
}) // prettier-ignore

it('each has a description, a group and a sample payload, and no contract is left out', async () => {
  const listed = await list()
  expect(listed).toHaveLength(catalogueTypes.length)
  for (const { type, aliases, description, group, sample } of listed) {
    expect(description, type).not.toBe('')
    expect(group, type).not.toBe('')
    expect(Object.keys(sample).length, type).toBeGreaterThan(0)
    expect(Array.isArray(aliases), type).toBe(true)
  }
  expect(listed.find(({ type }) => type === 'screening.completed')).toMatchObject({
    description: 'AML screening check finished successfully',
    group: 'AML Screening Events',
  })
  expect(listed.find(({ type }) => type === 'AML')?.aliases).toEqual(['AML_SCREENING'])
})
