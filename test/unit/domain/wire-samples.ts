import type { Event, JsonObject } from '../../../src/domain/event.ts'

// Bodies are written out. Signatures were computed once by Python's hmac and base64, and by its `cryptography` for
// ed25519 (the keys are those of RFC 8032 §7.1, TEST 1 and 2), over the bodies below: nothing here was copied from our own output.

export const sentAt = new Date('2026-11-21T12:00:00.999Z') // 1795262400 in whole seconds
export const standardSecrets = {
  newer: 'whsec_A1B2C3D4E5F6G7H8I9J0K1L2M3N4O5P6Q7R8S9T0U1V2W3X4Y5Z6', // as the Webhooks API’s document prints one
  older: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=',
}
export const textSecrets = { newer: 'apisec_newer_0123456789', older: 'apisec_older_0123456789' }
export const privateKey =
  'whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg=='
export const olderPrivateKey =
  'whsk_TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs9QBfD6EOJWpK3CqdNG368nJgszy7ElozAzVXxKvRmDA=='

/** As 002 has the type; its payloads and its envelope it does not print. */
export const screening: Event = {
  id: 'evt_01jd6x7m2v8q',
  tenantId: 'ten_acme',
  environment: 'sandbox',
  type: 'screening.completed',
  data: { entity_name: 'Zoë Castellane', highest_score: 0.82, lists_checked: ['sanctions', 'pep'] },
  createdAt: '2026-11-21T11:28:12.345Z',
}

/** 001's DocVer Notification Event. */
export const docVer: Event = {
  ...screening,
  id: '1ed2fb46-8271-6a33-a9ef-7553f473af46',
  type: 'DOCVER',
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
  createdAt: '2022-09-08T20:25:40.636658Z',
}
export const docVerWebhook = { id: '1ed2f903-2d75-6b19-b6a5-29535bc3340e', eventTypes: ['all'] }

/** After 003's table of fields, with the type that it names. */
export const session: Event = {
  ...screening,
  id: 'evt_abc123',
  type: 'kyc.session.processed',
  data: { session_id: 'ses_7Hq2mVx9Lr', result: 'approved', risk_score: 12, full_name: 'Bastian Örlow' },
  createdAt: '2026-01-21T09:03:10.999Z', // 1768986190 in whole seconds
}

export const smartKycEvent = (type: string, data: JsonObject): Event => ({
  ...screening,
  tenantId: 'tenant_123456',
  type,
  data,
  createdAt: '2024-01-15T10:30:00Z',
})
export const submission = {
  submissionId: 'sub_123456',
  invitationId: 'inv_123456',
  customerEmail: 'customer@example.com',
  workflowId: 'wf_123456',
}

export const screeningBody =
  '{"type":"screening.completed","timestamp":"2026-11-21T11:28:12.345Z","data":{"entity_name":"Zoë Castellane","highest_score":0.82,"lists_checked":["sanctions","pep"]}}'
export const screeningCloudEvent =
  '{"specversion":"1.0","id":"evt_01jd6x7m2v8q","source":"urn:switchyard:ten_acme:sandbox","type":"screening.completed","time":"2026-11-21T11:28:12.345Z","datacontenttype":"application/json","data":{"entity_name":"Zoë Castellane","highest_score":0.82,"lists_checked":["sanctions","pep"]}}'
export const docVerBody =
  '{"id":"1ed2fb46-8271-6a33-a9ef-7553f473af46","webhook_id":"1ed2f903-2d75-6b19-b6a5-29535bc3340e","event_type":"DOCVER","timestamp":"2022-09-08T20:25:40.636658Z","payload":{"id":"b86a3cbe-7880-4759-a4f3-9bcabac3cf3c","checks":{"passport":{"data":[],"errors":[],"status":"in_progress","warnings":[]}},"status":"verified","created_at":"2022-09-08T20:25:40.636471Z","updated_at":"2022-09-08T20:25:40.636480Z","applicant_id":"4da42a83-14db-4f19-9820-19cc10ad21cf","document_ids":["bd59f3da-b89d-4198-be1d-9b65477ddfb1"],"document_type":"passport"}}'
export const amlBody =
  '{"id":"01827ed4-c928-7a3c-9a30-7ab7cc169d11","webhook_id":"01827ed4-c928-7a3c-9a30-7ab7cc169d11","event_type":"AML_SCREENING","timestamp":"2023-07-18T15:32:13Z","payload":{}}'
export const sessionBody =
  '{"id":"evt_abc123","type":"kyc.session.processed","created":1768986190,"data":{"session_id":"ses_7Hq2mVx9Lr","result":"approved","risk_score":12,"full_name":"Bastian Örlow"}}'
export const submissionBody =
  '{"event":"submission.completed","timestamp":"2024-01-15T10:30:00Z","data":{"submissionId":"sub_123456","invitationId":"inv_123456","customerEmail":"customer@example.com","workflowId":"wf_123456","status":"completed","submittedAt":"2024-01-15T10:30:00Z"},"tenantId":"tenant_123456"}'
export const responsesBody =
  '{"event":"submission.completed","timestamp":"2024-01-15T10:30:00Z","data":{"submissionId":"sub_123456","invitationId":"inv_123456","customerEmail":"customer@example.com","workflowId":"wf_123456","workflowName":"Basic KYC","status":"completed","submittedAt":"2024-01-15T10:30:00Z","responses":{"firstName":"John","lastName":"Doe","email":"john@example.com"}},"tenantId":"tenant_123456"}'
export const matchBody =
  '{"event":"aml.match.found","timestamp":"2024-01-15T10:30:00Z","data":{"submissionId":"sub_123456","matchType":"sanctions","matchScore":0.95,"matchedName":"John Doe","sourceList":"OFAC","riskLevel":"high"},"tenantId":"tenant_123456"}'

/** Every version of Standard Webhooks' signature over the three bodies that carry them. */
export const standardSignatures = {
  'standard-webhooks': {
    newer: 'v1,U73xzrg2xNsjHQIVjah45FnViD594LGUYTloJIwd1vE=',
    older: 'v1,gM/Wvw2obPYHLwudlxNE6z1iLDBOdGFgeGqlxUicgjc=',
    v1a: 'v1a,vwM+9+nrTI4Her3zogE9YkI6c+Dc3vUm29r872r/6eZ52URroQJuKbPaDZ3AYF+MrryS8pwdES3emkyAB/K9Cw==',
    olderV1a: 'v1a,CLWm57UubGO/i67ygJK3x7oY4NhQ2Xk4kNOEhNGrbZJNv1BXC/cxIivC4t/7adn1nUM2GViYxkBfQkDYCRI2BQ==',
  },
  cloudevents: {
    newer: 'v1,yRalO+D7jcr8XxGZFDwZxhA2qoqjy6sdx6AiQnZnCkQ=',
    older: 'v1,KZI5Uk+3Ajl3dFYZpmp1iCYeyzN4eMeKazL0/Gk4WLI=',
    v1a: 'v1a,+6fP9WrUD97i3Z/V9Monr+ptZVmJqDzOy0W+/qi7c8tlZE8M/zefPdsrGvAsqULCEZEnWrECGO0P/sfSdXnADw==',
    olderV1a: 'v1a,0CQ8qXe+euxIclF9K+mJ1TFIujB/f8NU0ny3SV/f+OB1VhUQjCWsSjBDux7Hl+odmXPtaAmWK7yhexILafZnAg==',
  },
  dataspike: {
    newer: 'v1,ev3DMJl+MUPKiSaAUQFkjsL8mU9vv8xuTVpryfxvQeM=',
    older: 'v1,UrJIn2UVbZk9mapgC/aUiSFmzwqpALbCFtPERg1PlTU=',
    v1a: 'v1a,tlJn7MkQ8a0UCVdfsqB3jGOBWdM9E4QVkYIfAuikDMNm09d0PKd6amDnltqJ5eqcfWNJXj1UlNhj8ZtVJL4rCw==',
    olderV1a: 'v1a,4nlvKkJYCrtGblFsxfOtUyBUtJ29gNzyFKUY8A79mx+1QSdu1G+A7WrUWKT9iYfqwEMOasL1/PeRh4duwUOhBQ==',
  },
}
/** HMACs of 003's made-up event (over `timestamp.body` and over the body alone) and of 004's first sample. */
export const hexSignatures = {
  'timestamp.body': {
    newer: 'sha256=9d9b8ff7517d46909c417675c348bd05f3eb441341e352a146d406989489ce57',
    older: 'sha256=7c90c10d81fbbdf6e1930698ee8b7bc0ee00a905e2635670fa471b794d2838b7',
  },
  body: {
    newer: 'sha256=6b86520933b527ed26915ebb6454e41f622d34744913726fdd1f9e5bfed832d7',
    older: 'sha256=e59a449e3c8dcd05865cec5e8ea3b523f1c2660e6abfcac22ca6314cde0f2f32',
  },
  smartKyc: {
    newer: '2e59d7f7ffdd29731e2340821c7068d6051d029e969634e4aaadb105eca02af3',
    older: 'b84f1b8dd0b66d4c9c95a28a2be016101881d04bcecba1ede743d5c9cc702c47',
  },
}
