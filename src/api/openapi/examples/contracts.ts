import { exampleData, exampleIds, exampleSecret, exampleTime, exampleType, exampleUrl } from './things.ts'

const { webhook: id, event } = exampleIds
const contractTime = '2026-11-21T10:15:00.000000Z'
const stats = { total_deliveries: 1042, successful_deliveries: 1037, failed_deliveries: 5 }
const summary = {
  id,
  event_type: 'case.created',
  webhook_url: exampleUrl,
  is_active: true,
  description: 'Case system',
  filters: {},
  created_at: contractTime,
  stats,
  last_triggered_at: contractTime,
}
const logRow = {
  status: 'Success',
  event: 'test',
  response_code: 204,
  timestamp: exampleTime,
  response: null,
  attempts: 1,
  event_id: event,
  webhook_id: id,
  test: true,
}

/** Bodies of the adopted contracts. */
export const contractExamples = {
  NewWebhook: { event_type: 'test', webhook_url: exampleUrl, description: 'Case system' },
  CreatedWebhook: {
    id,
    event_type: 'test',
    webhook_url: exampleUrl,
    secret_key: exampleSecret,
    message: 'Webhook created successfully',
  },
  WebhookSummary: summary,
  Webhook: { ...summary, updated_at: contractTime },
  WebhookPatch: { is_active: false },
  UpdatedWebhook: { message: 'Webhook updated', id },
  DeletedWebhook: { message: 'Webhook deleted successfully' },
  WebhookTest: { webhook_url: exampleUrl },
  WebhookTestResult: {
    success: true,
    message: 'Test webhook delivered successfully',
    log_id: 12,
    http_status_code: 204,
  },
  FailedWebhookTest: {
    success: false,
    message: 'Test webhook delivery failed: HTTP 503',
    log_id: 12,
    http_status_code: 503,
  },
  WebhookLogRow: logRow,
  WebhookLog: { log_id: 12, ...logRow },
  TenantSettingsPatch: { webhook_url: exampleUrl, notification_emails: ['compliance@example.com'] },
  TenantSettings: {
    webhook_url: exampleUrl,
    webhook_secret: '********LaSw',
    notification_emails: ['compliance@example.com'],
    slack_webhook_url: null,
    event_categories: null,
  },
  RevealedWebhookSecret: { webhook_secret: 'a-secret-of-your-own' },
  WebhookInvocation: {
    id: event,
    webhook_id: exampleIds.destination,
    event_type: exampleType,
    payload: exampleData,
    timestamp: exampleTime,
    is_sandbox: false,
    attempts: 1,
    response_code: 204,
    last_attempt_at: exampleTime,
  },
}
