import type { Catalogue, CatalogueGroup } from './catalogue.ts'

const session: CatalogueGroup = {
  name: 'session',
  description:
    'Real-time notifications for session lifecycle events: creation, completion, processing results, and status changes.',
  types: [
    {
      type: 'kyc.session.created',
      description: 'A session was created.',
      sample: {
        session_id: 'ses_7Hq2mVx9Lr',
        subject_id: 'sub_4Ktd81PzWn',
        workflow: 'individual-standard',
        status: 'pending',
        email: 'bastian.orlow@example.com',
        expires_at: 1769590800,
        created_at: 1768986000,
      },
    },
    {
      type: 'kyc.session.completed',
      description: 'A user completed a session.',
      sample: {
        session_id: 'ses_7Hq2mVx9Lr',
        subject_id: 'sub_4Ktd81PzWn',
        status: 'completed',
        steps_completed: ['personal_details', 'document', 'selfie'],
        duration_seconds: 254,
        completed_at: 1768987312,
      },
    },
    {
      type: 'kyc.session.processed',
      description: 'The results of processing a session are there.',
      sample: {
        session_id: 'ses_7Hq2mVx9Lr',
        subject_id: 'sub_4Ktd81PzWn',
        status: 'processed',
        result: 'approved',
        risk_score: 12,
        checks: { document: 'passed', liveness: 'passed', face_match: 'passed', watchlist: 'clear' },
        document: { type: 'id_card', issuing_country: 'DE', expires_on: '2031-08-14' },
        full_name: 'Bastian Orlow',
        processed_at: 1768987390,
      },
    },
    {
      type: 'kyc.session.status_changed',
      description: 'A session’s status changed.',
      sample: {
        session_id: 'ses_C5wz0NbY3e',
        subject_id: 'sub_J8rf26QaMv',
        previous_status: 'processed',
        status: 'manual_review',
        reason: 'document_expires_soon',
        changed_by: 'reviewer@example.com',
        changed_at: 1769003117,
      },
    },
  ],
}

const watchlist: CatalogueGroup = {
  name: 'watchlist',
  description: 'Alerts when ongoing monitoring detects new matches or status changes for monitored subjects.',
  types: [
    {
      type: 'kyc.watchlist.match_found',
      description: 'Ongoing monitoring detected a new match for a monitored subject.',
      sample: {
        match_id: 'mat_9Xd3sLk6Tu',
        subject_id: 'sub_J8rf26QaMv',
        subject_name: 'Leontine Marchetti-Voss',
        matched_name: 'Leontina Marchetti',
        list: 'EU consolidated sanctions list',
        category: 'sanctions',
        score: 91,
        status: 'open',
        detected_at: 1769124605,
      },
    },
    {
      type: 'kyc.watchlist.status_changed',
      description: 'Ongoing monitoring detected a status change for a monitored subject.',
      sample: {
        match_id: 'mat_9Xd3sLk6Tu',
        subject_id: 'sub_J8rf26QaMv',
        previous_status: 'open',
        status: 'false_positive',
        open_matches: 0,
        reviewed_by: 'reviewer@example.com',
        changed_at: 1769158844,
      },
    },
  ],
}

/**
 * Source: the KYC-Webhooks document. It names only `kyc.session.processed`; the other types follow its sentences "creation,
 * completion, processing results, and status changes" (of sessions) and "detects new matches or status changes for
 * monitored subjects" (of the watchlist). Times are Unix seconds, as in the document's envelope.
 */
export const kycWebhooks: Catalogue = { contract: 'kyc-webhooks', groups: [session, watchlist] }
