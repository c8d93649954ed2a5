import type { ErrorCode, FieldError } from '../../errors.ts'

/** An example of each error. The test of the examples provokes those that a request can provoke. */
export const problemDetails: Record<ErrorCode, { detail: string; errors?: FieldError[] }> = {
  bad_request: { detail: 'The request is not valid HTTP.' },
  invalid_json: {
    detail: 'The body is not valid JSON.',
    errors: [{ path: '(body)', message: 'is not valid JSON' }],
  },
  unauthorized: { detail: 'The API key is unknown, revoked or expired.' },
  forbidden: { detail: 'This key lacks the scope destinations:write.' },
  not_found: { detail: 'No destination with this id is visible to this key.' },
  request_timeout: { detail: 'The request was not received in time.' },
  event_id_conflict: {
    detail:
      'An event with the id evt_aml_1042 but a different type or data was accepted before. Send this event with a new id.',
    errors: [{ path: 'id', message: 'belongs to an event with a different type or data' }],
  },
  already_exists: {
    detail: 'The event type aml.match.found is already registered.',
    errors: [{ path: 'type', message: 'is already registered' }],
  },
  erased: { detail: 'This event’s content was erased; only its delivery record remains.' },
  already_ended: { detail: 'No delivery of this event is waiting for a retry.' },
  conflict: { detail: 'Another request with this Idempotency-Key is in progress.' },
  limit_reached: { detail: 'At most 100 keys can be active at a time; revoke one first.' },
  payload_too_large: {
    detail: 'The body exceeds the limit of 262144 bytes.',
    errors: [{ path: '(body)', message: 'must be at most 262144 bytes' }],
  },
  invalid_request: {
    detail: 'config.url must be an HTTPS URL (and 1 more)',
    errors: [
      { path: 'config.url', message: 'must be an HTTPS URL' },
      { path: 'subscription.eventTypes', message: 'is required' },
    ],
  },
  loop_detected: {
    detail:
      'This request results from a chain of 9 webhooks; the limit is 8. One of your webhook receivers calls this API for every webhook it gets: make it ignore events that it caused.',
    errors: [{ path: 'Switchyard-Hops', message: 'must be at most 8' }],
  },
  rate_limited: { detail: 'The limit of this key is exceeded. Try again in 12 s.' },
  headers_too_large: { detail: 'The request line and headers exceed the limit of 16384 bytes.' },
  internal: {
    detail:
      'An unexpected error occurred. Quote this reference when you report it: 5f1d7c0e-3d0a-4c59-8a54-1f0f3c6f2f0b.',
  },
  unavailable: { detail: 'PostgreSQL is not responding. Retry the request.' },
  overloaded: { detail: 'Earlier events of this tenant are still waiting for a worker. Try again in 5 s.' },
}
