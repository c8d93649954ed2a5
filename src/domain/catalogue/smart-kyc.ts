import type { Catalogue, CatalogueGroup } from './catalogue.ts'

const submission: CatalogueGroup = {
  name: 'Submission Events',
  description: '',
  types: [
    {
      type: 'submission.created',
      description: 'New submission started',
      sample: {
        submissionId: 'sub_123456',
        invitationId: 'inv_123456',
        customerEmail: 'customer@example.com',
        workflowId: 'wf_123456',
        workflowName: 'Basic KYC',
        status: 'in_progress',
        createdAt: '2024-01-15T10:12:00Z',
      },
    },
    {
      type: 'submission.completed',
      description: 'Submission completed',
      sample: {
        submissionId: 'sub_123456',
        invitationId: 'inv_123456',
        customerEmail: 'customer@example.com',
        workflowId: 'wf_123456',
        workflowName: 'Basic KYC',
        status: 'completed',
        submittedAt: '2024-01-15T10:30:00Z',
        responses: { firstName: 'John', lastName: 'Doe', email: 'john@example.com' },
      },
    },
    {
      type: 'submission.approved',
      description: 'Submission approved',
      sample: {
        submissionId: 'sub_123456',
        customerEmail: 'customer@example.com',
        workflowId: 'wf_123456',
        status: 'approved',
        riskLevel: 'low',
        reviewedBy: 'reviewer@example.com',
        approvedAt: '2024-01-15T14:05:00Z',
      },
    },
    {
      type: 'submission.rejected',
      description: 'Submission rejected',
      sample: {
        submissionId: 'sub_204817',
        customerEmail: 'pernille.dahlgaard@example.com',
        workflowId: 'wf_123456',
        status: 'rejected',
        rejectionReason: 'Document expired',
        canResubmit: true,
        reviewedBy: 'reviewer@example.com',
        rejectedAt: '2024-01-16T09:20:00Z',
      },
    },
    {
      type: 'submission.updated',
      description: 'Submission updated',
      sample: {
        submissionId: 'sub_204817',
        workflowId: 'wf_123456',
        status: 'in_progress',
        changedFields: ['address', 'documentNumber'],
        updatedBy: 'customer',
        updatedAt: '2024-01-16T11:48:00Z',
      },
    },
  ],
}

const invitation: CatalogueGroup = {
  name: 'Invitation Events',
  description: '',
  types: [
    {
      type: 'invitation.sent',
      description: 'Invitation sent to customer',
      sample: {
        invitationId: 'inv_123456',
        customerEmail: 'customer@example.com',
        workflowId: 'wf_123456',
        workflowName: 'Basic KYC',
        language: 'en',
        sentAt: '2024-01-15T09:00:00Z',
        expiresAt: '2024-01-22T09:00:00Z',
      },
    },
    {
      type: 'invitation.expired',
      description: 'Invitation expired',
      sample: {
        invitationId: 'inv_208334',
        customerEmail: 'ruben.castelan@example.com',
        workflowId: 'wf_123456',
        opened: false,
        remindersSent: 2,
        expiredAt: '2024-01-22T09:00:00Z',
      },
    },
    {
      type: 'invitation.cancelled',
      description: 'Invitation cancelled',
      sample: {
        invitationId: 'inv_209951',
        customerEmail: 'aurelie.tonnard@example.com',
        workflowId: 'wf_314159',
        workflowName: 'Enhanced Due Diligence',
        cancelledBy: 'reviewer@example.com',
        cancellationReason: 'Customer withdrew the application',
        cancelledAt: '2024-01-17T16:35:00Z',
      },
    },
  ],
}

const aml: CatalogueGroup = {
  name: 'AML Events',
  description: '',
  types: [
    {
      type: 'aml.screening.completed',
      description: 'AML screening completed',
      sample: {
        submissionId: 'sub_123456',
        screeningId: 'scr_123456',
        screenedName: 'John Doe',
        listsChecked: ['sanctions', 'pep', 'adverseMedia'],
        matchCount: 1,
        riskLevel: 'high',
        completedAt: '2024-01-15T10:31:00Z',
      },
    },
    {
      type: 'aml.match.found',
      description: 'AML match detected',
      sample: {
        submissionId: 'sub_123456',
        matchType: 'sanctions',
        matchScore: 0.95,
        matchedName: 'John Doe',
        sourceList: 'OFAC',
        riskLevel: 'high',
      },
    },
    {
      type: 'aml.match.dismissed',
      description: 'AML match dismissed',
      sample: {
        submissionId: 'sub_123456',
        matchType: 'sanctions',
        matchedName: 'John Doe',
        sourceList: 'OFAC',
        dismissalReason: 'Date of birth does not match',
        dismissedBy: 'reviewer@example.com',
        dismissedAt: '2024-01-15T13:40:00Z',
      },
    },
  ],
}

/** Source: the Smart KYC document, which prints the samples of `submission.completed` and `aml.match.found`. */
export const smartKyc: Catalogue = { contract: 'smart-kyc', groups: [submission, invitation, aml] }
