import type { PlaceName } from './places.ts'

export interface DemoEvent {
  /** Absent: Switchyard makes one. */
  id?: string
  type: string
  /** One line for people. */
  about: string
  data: object
  /** Posted a second time, as by a platform that is not sure whether the first post got through. */
  postTwice?: true
  /** Where it must arrive, and after how many attempts. It must not arrive anywhere else. */
  arrives: Partial<Record<PlaceName, number>>
}

/** One event of each of the documents in `seeds/`, in the style of its platform. */
export const demoEvents: readonly DemoEvent[] = [
  {
    // Document 001, "DocVer Notification Event": id and payload word for word.
    id: '1ed2fb46-8271-6a33-a9ef-7553f473af46',
    type: 'DOCVER',
    about: 'a passport was verified',
    data: {
      id: 'b86a3cbe-7880-4759-a4f3-9bcabac3cf3c',
      checks: { passport: { data: [], errors: [], status: 'in_progress', warnings: [] } },
      status: 'verified',
      created_at: '2022-09-08T20:25:40.636471Z',
      updated_at: '2022-09-08T20:25:40.636480Z',
      applicant_id: '4da42a83-14db-4f19-9820-19cc10ad21cf',
      document_ids: ['bd59f3da-b89d-4198-be1d-9b65477ddfb1'],
      document_type: 'passport',
    },
    postTwice: true,
    arrives: { 'Case system': 1, 'Compliance inbox': 1 },
  },
  {
    // Document 004, "Submission Completed": word for word.
    type: 'submission.completed',
    about: 'a customer handed in the Basic KYC form',
    data: {
      submissionId: 'sub_123456',
      invitationId: 'inv_123456',
      customerEmail: 'customer@example.com',
      workflowId: 'wf_123456',
      workflowName: 'Basic KYC',
      status: 'completed',
      submittedAt: '2024-01-15T10:30:00Z',
      responses: { firstName: 'John', lastName: 'Doe', email: 'john@example.com' },
    },
    arrives: { 'Case system': 1, 'Compliance inbox': 1 },
  },
  {
    // Document 002 names the event and shows no payload.
    type: 'screening.completed',
    about: 'a company was screened, nothing found',
    data: {
      screening_id: '0b8e5a52-6a0e-4c57-9c1d-0f7f3a6f6f21',
      entity_id: '3f2c9a70-58f4-4f0b-8a43-1c1f8b6f5d10',
      entity_name: 'Northwind Trading GmbH',
      entity_type: 'company',
      lists_checked: ['OFAC SDN', 'EU consolidated', 'UN Security Council'],
      match_count: 0,
      completed_at: '2026-01-22T08:15:30.987654+00:00',
    },
    arrives: { 'Case system': 1, 'Risk engine': 3 },
  },
  {
    // Document 003 names the event and shows no payload.
    type: 'kyc.session.processed',
    about: 'an identity check passed, risk low',
    data: {
      sessionId: 'ses_7c1e04b9',
      status: 'processed',
      decision: 'approved',
      riskLevel: 'low',
      document: { type: 'passport', country: 'DE' },
      faceMatchScore: 0.97,
      processedAt: 1769069730,
    },
    arrives: { 'Case system': 1 },
  },
  {
    // Document 004, "AML Match Found": word for word.
    type: 'aml.match.found',
    about: 'a customer is on a sanctions list, risk high',
    data: {
      submissionId: 'sub_123456',
      matchType: 'sanctions',
      matchScore: 0.95,
      matchedName: 'John Doe',
      sourceList: 'OFAC',
      riskLevel: 'high',
    },
    arrives: { 'Case system': 1, 'Risk engine': 3, '#aml-alerts': 1 },
  },
]
