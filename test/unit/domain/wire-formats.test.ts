import { describe, expect, it } from 'vitest'
import type { Event } from '../../../src/domain/event.ts'
import { findWireFormat } from '../../../src/domain/wire-formats/index.ts'
import type { WireRequest } from '../../../src/domain/wire-formats/wire-format.ts'
import {
  sentAt,
  standardSecrets,
  textSecrets,
  olderPrivateKey,
  privateKey,
  screening,
  docVer,
  docVerWebhook,
  session,
  smartKycEvent,
  submission,
  screeningBody,
  screeningCloudEvent,
  docVerBody,
  amlBody,
  sessionBody,
  submissionBody,
  responsesBody,
  matchBody,
  standardSignatures,
  hexSignatures,
} from './wire-samples.ts'

function render(format: string, request: Partial<WireRequest> & { event: Event }) {
  const destination = { id: 'dst_01jd6x9c3k', eventTypes: ['all'] }
  const defaults = { destination, attempt: 1, sentAt, keys: { secrets: [] } }
  const message = findWireFormat(format)?.render({ ...defaults, ...request })
  if (!message) throw new Error(`there is no wire format ${format}`)
  return message
}

const json = { 'content-type': 'application/json' }
const Json = { 'Content-Type': 'application/json' }
const sentNow = (id: string) => ({ 'webhook-id': id, 'webhook-timestamp': '1795262400' })
const smartKycHeaders = { ...Json, 'Idempotency-Key': screening.id }
const kycHeaders = {
  ...Json,
  'User-Agent': 'KYC-Webhooks/1.0',
  'X-Webhook-ID': 'evt_abc123',
  'X-Webhook-Timestamp': '1768986190',
}

const standardFamily = [
  ['standard-webhooks', screening],
  ['cloudevents', screening],
  ['dataspike', docVer],
] as const

describe('a message, byte for byte', () => {
  const keys = { secrets: [standardSecrets.newer], privateKeys: [privateKey] }
  const textKeys = { secrets: [textSecrets.newer] }
  const aml: Event = {
    ...screening,
    id: '01827ed4-c928-7a3c-9a30-7ab7cc169d11',
    type: 'AML',
    data: {},
    createdAt: '2023-07-18T15:32:13Z',
  }
  const amlWebhook = { id: aml.id, eventTypes: ['AML_SCREENING'] }
  const submitted = { status: 'completed', submittedAt: '2024-01-15T10:30:00Z' }
  const responses = { firstName: 'John', lastName: 'Doe', email: 'john@example.com' }
  const completed = smartKycEvent('submission.completed', { ...submission, ...submitted })
  const withResponses = smartKycEvent('submission.completed', {
    ...submission,
    workflowName: 'Basic KYC',
    ...submitted,
    responses,
  })
  const match = smartKycEvent('aml.match.found', {
    submissionId: 'sub_123456',
    matchType: 'sanctions',
    matchScore: 0.95,
    matchedName: 'John Doe',
    sourceList: 'OFAC',
    riskLevel: 'high',
  })

  type Golden = [
    what: string,
    format: string,
    request: Parameters<typeof render>[1],
    headers: object,
    body: string,
  ]
  const goldens: Golden[] = [
    [
      '002’s screening.completed as Standard Webhooks',
      'standard-webhooks',
      { event: screening, keys },
      {
        ...json,
        ...sentNow(screening.id),
        'webhook-signature': standardSignatures['standard-webhooks'].newer,
      },
      screeningBody,
    ],
    [
      'the same as a CloudEvent',
      'cloudevents',
      { event: screening, keys },
      {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        ...sentNow(screening.id),
        'webhook-signature': standardSignatures.cloudevents.newer,
      },
      screeningCloudEvent,
    ],
    [
      '001’s DocVer Notification Event',
      'dataspike',
      { event: docVer, destination: docVerWebhook, keys },
      { ...json, ...sentNow(docVer.id), 'webhook-signature': standardSignatures.dataspike.newer },
      docVerBody,
    ],
    [
      '000’s example payload',
      'dataspike',
      { event: aml, destination: amlWebhook, keys },
      {
        ...json,
        ...sentNow(aml.id),
        'webhook-signature': 'v1,hUsYcGpdpWTsFujJ5mprJpVn8f1vl/oTecWfqOjus2Y=',
      },
      amlBody,
    ],
    [
      '003’s envelope and security headers',
      'kyc-webhooks',
      { event: session, keys: textKeys },
      { ...kycHeaders, 'X-Webhook-Signature': hexSignatures['timestamp.body'].newer },
      sessionBody,
    ],
    [
      '004’s Standard Payload Structure',
      'smart-kyc',
      { event: completed, keys: textKeys },
      { ...smartKycHeaders, 'X-SmartKYC-Signature': hexSignatures.smartKyc.newer },
      submissionBody,
    ],
    [
      '004’s Submission Completed',
      'smart-kyc',
      { event: withResponses, keys: textKeys },
      {
        ...smartKycHeaders,
        'X-SmartKYC-Signature': '93054bddc4ba97d56b551decc38fd7296626dc0ad6c3c3a2717be1c5fc7a38da',
      },
      responsesBody,
    ],
    [
      '004’s AML Match Found',
      'smart-kyc',
      { event: match, keys: textKeys },
      {
        ...smartKycHeaders,
        'X-SmartKYC-Signature': 'f8eadf77e1ad6235a765248b4c1f929387f1ef6affc36468bc35ddd9f8937f6f',
      },
      matchBody,
    ],
  ]
  it.each(goldens)('%s', (_what, format, request, headers, body) => {
    expect(render(format, request)).toEqual({ headers, body })
  })
})

describe.each(standardFamily)('the signature header of %s', (format, event) => {
  const destination = event === docVer ? docVerWebhook : { id: 'dst_01jd6x9c3k', eventTypes: ['all'] }
  const secrets = [standardSecrets.newer, standardSecrets.older]
  const privateKeys = [privateKey]
  const single = { secrets: [standardSecrets.newer], privateKeys }
  const both: WireRequest['options'] = { signatures: ['v1', 'v1a'] }
  const { newer, older, v1a, olderV1a } = standardSignatures[format]
  const signature = (request: Partial<WireRequest>) =>
    render(format, { event, destination, ...request }).headers['webhook-signature']

  it.each<[what: string, request: Partial<WireRequest>, header: string | undefined]>([
    ['HMAC, where nothing is asked for', { keys: single }, newer],
    ['v1', { keys: single, options: { signatures: ['v1'] } }, newer],
    ['v1a', { keys: single, options: { signatures: ['v1a'] } }, v1a],
    ['v1 and v1a', { keys: single, options: both }, `${newer} ${v1a}`],
    ['both secrets while they overlap', { keys: { secrets } }, `${newer} ${older}`],
    ['both secrets at the second attempt, too', { keys: { secrets }, attempt: 2 }, `${newer} ${older}`],
    ['both secrets and v1a', { keys: { secrets, privateKeys }, options: both }, `${newer} ${older} ${v1a}`],
    [
      'both secrets and both keys',
      { keys: { secrets, privateKeys: [privateKey, olderPrivateKey] }, options: both },
      `${newer} ${older} ${v1a} ${olderV1a}`,
    ],
    ['nothing, without a secret', { keys: { secrets: [] } }, undefined],
  ])('holds %s', (_what, request, header) => {
    expect(signature(request)).toBe(header)
  })

  it('has no place at all in a message without a secret', () => {
    expect(Object.keys(render(format, { event }).headers)).toEqual([
      'content-type',
      'webhook-id',
      'webhook-timestamp',
    ])
  })
})

describe('a signature in hex', () => {
  const completed = smartKycEvent('submission.completed', {
    ...submission,
    status: 'completed',
    submittedAt: '2024-01-15T10:30:00Z',
  })
  const secrets = [textSecrets.newer, textSecrets.older]
  const kyc = (request: Partial<WireRequest>) =>
    render('kyc-webhooks', { event: session, ...request }).headers['X-Webhook-Signature']
  const smart = (request: Partial<WireRequest>) =>
    render('smart-kyc', { event: completed, ...request }).headers['X-SmartKYC-Signature']

  it.each([
    ['timestamp.body', undefined],
    ['timestamp.body', { signedContent: 'timestamp.body' }],
    ['body', { signedContent: 'body' }],
  ] as const)('of kyc-webhooks is over %s by the options %j', (content, options) => {
    expect(kyc({ keys: { secrets: [textSecrets.newer] }, options })).toBe(hexSignatures[content].newer)
  })

  it.each([
    [1, 'newer'],
    [2, 'older'],
    [3, 'newer'],
    [4, 'older'],
  ] as const)('at attempt %i of an overlap is by the %s secret', (attempt, which) => {
    expect(kyc({ keys: { secrets }, attempt })).toBe(hexSignatures['timestamp.body'][which])
    expect(kyc({ keys: { secrets }, attempt, options: { signedContent: 'body' } })).toBe(
      hexSignatures.body[which],
    )
    expect(smart({ keys: { secrets }, attempt })).toBe(hexSignatures.smartKyc[which])
  })

  it('has no place at all in a message without a secret', () => {
    expect(render('kyc-webhooks', { event: session })).toEqual({ headers: kycHeaders, body: sessionBody })
    expect(render('smart-kyc', { event: completed })).toEqual({
      headers: smartKycHeaders,
      body: submissionBody,
    })
  })
})

describe('a later attempt', () => {
  const keys = { secrets: [standardSecrets.newer] }
  const later = { attempt: 2, sentAt: new Date('2026-11-21T12:00:05.000Z') }

  it('of Standard Webhooks carries its own time and a new signature; the body stays', () => {
    expect(render('standard-webhooks', { event: screening, keys, ...later })).toEqual({
      headers: {
        ...json,
        'webhook-id': screening.id,
        'webhook-timestamp': '1795262405',
        'webhook-signature': 'v1,33ZGOJhDg+gMZlYI1iDZNUu3xC07HjHq4ZEEbHYZMug=',
      },
      body: screeningBody,
    })
  })

  it.each([
    ['kyc-webhooks', session],
    ['smart-kyc', screening],
  ])('of %s is the first one over again: its time is the event’s', (format, event) => {
    expect(render(format, { event, keys, ...later })).toEqual(render(format, { event, keys }))
  })
})

describe('Dataspike’s event_type', () => {
  it.each<[type: string, eventTypes: string[], name: string]>([
    ['AML', ['AML_SCREENING'], 'AML_SCREENING'],
    ['AML_SCREENING', ['AML'], 'AML'],
    ['AML', ['AML_SCREENING', 'AML'], 'AML'],
    ['DOCVER', ['DOCVER_EVENT'], 'DOCVER_EVENT'],
    ['AML', ['all'], 'AML'],
    ['AML_SCREENING', ['all'], 'AML_SCREENING'],
    ['AML', ['AML_*'], 'AML'],
    ['aml.match.found', ['aml.*'], 'aml.match.found'],
  ])('of %s for a webhook that subscribed to %j is %s', (type, eventTypes, name) => {
    const { body } = render('dataspike', {
      event: { ...screening, type },
      destination: { id: 'dst_1', eventTypes },
    })
    expect(JSON.parse(body)).toMatchObject({ event_type: name })
  })
})
