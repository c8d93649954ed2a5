import { dayAfter, exampleData, exampleIds, exampleTime, exampleType, laterTime } from './things.ts'

const { destination, event, replay, rule } = exampleIds
const accepted = { id: event, type: exampleType, status: 'accepted', createdAt: exampleTime }
const acknowledgement = {
  at: laterTime,
  by: 'Ada Lovelace',
  via: 'api',
  note: 'False positive',
  keyId: exampleIds.key,
}
const decisions = [
  { destinationId: destination, matched: true, reason: 'subscribed to aml.*' },
  { ruleId: rule, version: 3, name: 'Escalate matches', matched: false, reason: 'the filter does not match' },
]
const replaySummary = {
  id: replay,
  status: 'running',
  createdAt: dayAfter,
  filter: { from: exampleTime, to: dayAfter, status: 'failed', source: 'log' },
  ratePerSecond: 20,
  found: 120,
  started: 80,
  skipped: 2,
  skippedReasons: { erased: 2 },
  estimatedEndAt: dayAfter,
}

const attempt = {
  number: 1,
  at: laterTime,
  outcome: 'delivered',
  responseCode: 204,
  durationMs: 87,
  requestHeaders: { 'webhook-id': event, 'webhook-timestamp': '1795256100' },
}
const delivery = { destinationId: destination, channel: 'webhook', status: 'delivered', attempts: [attempt] }
const summary = {
  destinationId: destination,
  channel: 'webhook',
  status: 'delivered',
  attempts: 1,
  responseCode: 204,
  lastAttemptAt: laterTime,
}

export const eventExamples = {
  NewEvent: { type: exampleType, data: exampleData },
  NewEvents: {
    events: [
      { type: exampleType, data: exampleData },
      { type: 'kyc.session.completed', data: { sessionId: 'ses_9913', result: 'approved' } },
    ],
  },
  AcceptedEvent: accepted,
  BatchResults: {
    results: [
      { status: 202, id: event },
      {
        status: 422,
        error: {
          type: 'urn:switchyard:error:invalid_request',
          title: 'Validation failed',
          status: 422,
          code: 'invalid_request',
          detail: 'type is required',
          errors: [{ path: 'events.1.type', message: 'is required' }],
        },
      },
    ],
  },
  EventSummary: {
    id: event,
    type: exampleType,
    createdAt: exampleTime,
    status: 'delivered',
    deliveries: [summary],
  },
  Event: {
    id: event,
    type: exampleType,
    environment: 'production',
    status: 'delivered',
    data: exampleData,
    createdAt: exampleTime,
    deliveries: [delivery],
    routing: decisions,
    replays: [],
  },
  EventReplayRequest: { destinations: [destination] },
  StartedEventReplay: { replayId: replay },
  EventRetryRequest: { destination },
  EventRetry: { id: event, retrying: [destination] },
  EventReference: { id: event },
  NewAcknowledgement: { by: 'Ada Lovelace', note: 'False positive' },
  AcknowledgedEvent: { id: event, acknowledgement, first: true },
  StoredAcknowledgement: { id: event, acknowledgement },
  ErasureRequest: { reason: 'Request 2026-114 under Article 17 GDPR' },
  StartedErasure: { erasureId: exampleIds.erasure, status: 'running' },
  Erasure: {
    id: exampleIds.erasure,
    eventId: event,
    status: 'completed',
    reason: 'Request 2026-114 under Article 17 GDPR',
    createdAt: exampleTime,
    completedAt: laterTime,
    runs: 1,
    digests: 0,
    archivedLines: 0,
  },
  ListedDelivery: { eventId: event, type: exampleType, createdAt: exampleTime, ...summary },
  NewReplay: { from: '2026-01-01T00:00:00Z', status: 'failed', ratePerSecond: 20 },
  StartedReplay: { id: replay },
  ReplayReference: { id: replay },
  ReplayResumption: { ratePerSecond: 5 },
  ReplaySummary: replaySummary,
  Replay: { ...replaySummary, delivered: 71, failed: 1, digested: 0, unrouted: 0, pending: 8 },
  RoutingPreviewRequest: { type: exampleType, data: exampleData },
  RoutingPreview: {
    plan: {
      at: exampleTime,
      steps: [
        {
          kind: 'deliver',
          at: exampleTime,
          deliveries: [{ destinationId: destination, channel: 'webhook', name: 'Case system' }],
        },
      ],
      routing: decisions,
    },
  },
  DestinationTest: { eventType: exampleType },
  DestinationTestResult: { eventId: 'evt_test_12', logId: 12, type: exampleType, delivery },
}
