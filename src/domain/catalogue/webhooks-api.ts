import type { Catalogue, CatalogueGroup } from './catalogue.ts'
import { amlScreening, casesAndAlerts, identityVerification } from './webhooks-api-checks.ts'

const onboarding: CatalogueGroup = {
  name: 'Onboarding Session Events',
  description:
    'High-level lifecycle events for the OnboardingSession — the magic-link container sent to an entity that may wrap a DDQ response, an identity verification, or both.',
  types: [
    {
      type: 'onboarding.created',
      description: 'Onboarding link generated and sent to the entity',
      sample: {
        session_id: '5b0c6c1e-3f7a-4d52-9a86-1c7e4f0b2d93',
        entity_id: 'c2d81f64-7a3b-4e09-8f15-6be0a94d7721',
        entity_name: 'Halvorsen Maritime Supplies Ltd',
        entity_type: 'company',
        recipient_email: 'compliance@halvorsen-maritime.example.com',
        steps: ['ddq', 'identity_verification'],
        expires_at: '2026-02-02T09:15:42.118204+00:00',
        created_at: '2026-01-19T09:15:42.118204+00:00',
      },
    },
    {
      type: 'onboarding.ddq_completed',
      description: 'Entity finished the DDQ step within the onboarding session',
      sample: {
        session_id: '5b0c6c1e-3f7a-4d52-9a86-1c7e4f0b2d93',
        entity_id: 'c2d81f64-7a3b-4e09-8f15-6be0a94d7721',
        response_id: '0e94b7d5-61c2-4f3e-b8aa-27d5c3f19e60',
        questionnaire: 'Corporate due diligence',
        questions_answered: 42,
        remaining_steps: ['identity_verification'],
        completed_at: '2026-01-20T13:47:05.902316+00:00',
      },
    },
    {
      type: 'onboarding.verification_completed',
      description: 'Entity finished the identity verification step within the onboarding session',
      sample: {
        session_id: '5b0c6c1e-3f7a-4d52-9a86-1c7e4f0b2d93',
        entity_id: 'c2d81f64-7a3b-4e09-8f15-6be0a94d7721',
        verification_session_id: '93f2a1c8-5d40-4b67-a1ee-0f8b6d2c4e75',
        person_name: 'Ingrid Halvorsen',
        verification_status: 'approved',
        remaining_steps: [],
        completed_at: '2026-01-20T14:02:51.337480+00:00',
      },
    },
    {
      type: 'onboarding.completed',
      description: 'All required steps completed — entity fully onboarded',
      sample: {
        session_id: '5b0c6c1e-3f7a-4d52-9a86-1c7e4f0b2d93',
        entity_id: 'c2d81f64-7a3b-4e09-8f15-6be0a94d7721',
        entity_name: 'Halvorsen Maritime Supplies Ltd',
        status: 'completed',
        completed_steps: ['ddq', 'identity_verification'],
        duration_hours: 28.8,
        completed_at: '2026-01-20T14:02:52.014775+00:00',
      },
    },
    {
      type: 'onboarding.expired',
      description: 'Onboarding link expired before entity completed all steps',
      sample: {
        session_id: 'e8a7350d-92b4-4c1f-8d66-b40f7ea31c58',
        entity_id: '71f4c0be-2d89-4a53-9e17-d5830b6fa2c4',
        entity_name: 'Orrin Castellane',
        entity_type: 'individual',
        status: 'expired',
        completed_steps: ['ddq'],
        missing_steps: ['identity_verification'],
        expired_at: '2026-01-18T08:00:00.000000+00:00',
      },
    },
    {
      type: 'onboarding.revoked',
      description: 'Onboarding link permanently revoked by your team',
      sample: {
        session_id: '2fd6b913-c8e0-4975-b3a2-64e1d70c9f8b',
        entity_id: 'a90e5c27-48bf-4d16-8c3b-f27190da6e43',
        status: 'revoked',
        revoked_by: 'tamsin.okafor@example.com',
        reason: 'Invitation was sent to a wrong address',
        revoked_at: '2026-01-21T11:26:33.450918+00:00',
      },
    },
    {
      type: 'onboarding.link_regenerated',
      description: 'A new token issued for an existing session (resend / refresh link)',
      sample: {
        session_id: 'e8a7350d-92b4-4c1f-8d66-b40f7ea31c58',
        entity_id: '71f4c0be-2d89-4a53-9e17-d5830b6fa2c4',
        recipient_email: 'orrin.castellane@example.com',
        regenerated_by: 'tamsin.okafor@example.com',
        times_regenerated: 1,
        expires_at: '2026-02-05T08:30:12.661043+00:00',
        regenerated_at: '2026-01-22T08:30:12.661043+00:00',
      },
    },
  ],
}

const responseWorkflow: CatalogueGroup = {
  name: 'Response Workflow Events',
  description: '',
  types: [
    {
      type: 'response.created',
      description: 'New response (DDQ submission) created',
      sample: {
        response_id: '0e94b7d5-61c2-4f3e-b8aa-27d5c3f19e60',
        entity_id: 'c2d81f64-7a3b-4e09-8f15-6be0a94d7721',
        questionnaire: 'Corporate due diligence',
        status: 'draft',
        questions_total: 42,
        created_at: '2026-01-19T09:15:43.005127+00:00',
      },
    },
    {
      type: 'response.submitted',
      description: 'Entity submitted completed response',
      sample: {
        response_id: '0e94b7d5-61c2-4f3e-b8aa-27d5c3f19e60',
        entity_id: 'c2d81f64-7a3b-4e09-8f15-6be0a94d7721',
        status: 'submitted',
        submitted_by: 'ingrid.halvorsen@example.com',
        questions_answered: 42,
        attachments: 5,
        submitted_at: '2026-01-20T13:47:04.771590+00:00',
      },
    },
    {
      type: 'response.reviewed',
      description: 'Response reviewed by compliance team',
      sample: {
        response_id: '0e94b7d5-61c2-4f3e-b8aa-27d5c3f19e60',
        status: 'under_review',
        reviewer: 'tamsin.okafor@example.com',
        flags_raised: 2,
        flags_cleared: 2,
        notes: 'Ownership chart matches the register extract.',
        reviewed_at: '2026-01-21T09:08:19.284061+00:00',
      },
    },
    {
      type: 'response.approved',
      description: 'Response approved',
      sample: {
        response_id: '0e94b7d5-61c2-4f3e-b8aa-27d5c3f19e60',
        entity_id: 'c2d81f64-7a3b-4e09-8f15-6be0a94d7721',
        status: 'approved',
        approved_by: 'lucien.abara@example.com',
        risk_rating: 'low',
        next_review_due: '2027-01-21',
        approved_at: '2026-01-21T10:40:57.612338+00:00',
      },
    },
    {
      type: 'response.rejected',
      description: 'Response rejected',
      sample: {
        response_id: '64d1e0fa-b725-4983-9c0e-3a8f5b72d1c6',
        entity_id: '3b87d2e5-f0c1-4a69-b524-9ed60a17c83f',
        status: 'rejected',
        rejected_by: 'lucien.abara@example.com',
        reason: 'Source of funds not evidenced',
        may_resubmit: true,
        rejected_at: '2026-01-21T15:12:08.930254+00:00',
      },
    },
    {
      type: 'response.autofill_completed',
      description: 'AI autofill process completed',
      sample: {
        response_id: '64d1e0fa-b725-4983-9c0e-3a8f5b72d1c6',
        job_id: 'd7c05e92-1a4b-4f88-a6d3-50be92f1c347',
        source_documents: ['annual-report-2025.pdf', 'register-extract.pdf'],
        questions_filled: 31,
        questions_left: 11,
        average_confidence: 0.87,
        completed_at: '2026-01-19T16:21:30.447702+00:00',
      },
    },
    {
      type: 'response.check_answers_completed',
      description: 'AI answer checking completed',
      sample: {
        response_id: '64d1e0fa-b725-4983-9c0e-3a8f5b72d1c6',
        job_id: '18ea6f30-c5d9-4b27-93fc-7e02d4b8a561',
        answers_checked: 42,
        consistent: 39,
        inconsistent: 3,
        inconsistent_questions: ['q_12', 'q_27', 'q_33'],
        completed_at: '2026-01-20T17:55:46.108839+00:00',
      },
    },
    {
      type: 'response.autoflag_completed',
      description: 'AI autoflag analysis completed',
      sample: {
        response_id: '64d1e0fa-b725-4983-9c0e-3a8f5b72d1c6',
        job_id: 'f5b92c74-0e36-4da1-8b79-c16d83ea2f05',
        flags: [
          { question: 'q_12', severity: 'high', reason: 'Ultimate beneficial owner is not named' },
          { question: 'q_33', severity: 'medium', reason: 'Source of funds is unclear' },
        ],
        highest_severity: 'high',
        completed_at: '2026-01-20T17:58:02.590416+00:00',
      },
    },
  ],
}

const special: CatalogueGroup = {
  name: 'Special Event Types',
  description: '',
  types: [
    {
      type: 'test',
      description: 'Synthetic test event fired by the POST /api/v1/webhooks/test/ endpoint',
      sample: {
        test: true,
        message: 'This is a test event',
        webhook_url: 'https://api.example.com/webhooks/test',
        triggered_by: 'tamsin.okafor@example.com',
        triggered_at: '2026-01-22T12:00:00.000125+00:00',
      },
    },
  ],
}

/**
 * Source: the Webhooks API’s document, its groups and descriptions verbatim. `all` from the document's last table is left out: it
 * is a wildcard for subscriptions, not a type.
 */
export const webhooksApi: Catalogue = {
  contract: 'webhooks-api',
  groups: [onboarding, responseWorkflow, amlScreening, identityVerification, casesAndAlerts, special],
}
