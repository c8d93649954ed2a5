import { describe, expect, it } from 'vitest'
import { findRequest, withoutData, withoutPayload } from '../../../src/domain/redaction/erasure.ts'
import type { Timeline } from '../../../src/domain/delivery/timeline.ts'
import { makeEvent } from '../../support/event.ts'

const at = '2026-11-21T11:28:12.345Z'
const asked = [{ eventId: 'evt_1', erasureId: 'era_1', at }]

function digestOf(...members: { id: string; createdAt?: string; data?: object }[]) {
  const events = members.map(({ createdAt = at, data = {}, ...rest }) => ({ ...rest, createdAt, data }))
  return makeEvent({ id: 'dig_1', type: 'digest', data: JSON.parse(JSON.stringify({ events })) as never })
}

describe('what is to be erased', () => {
  it('is the event that was asked for, and no other', () => {
    expect(findRequest(makeEvent({ id: 'evt_1' }), asked)?.erasureId).toBe('era_1')
    expect(findRequest(makeEvent({ id: 'evt_2' }), asked)).toBeUndefined()
    expect(findRequest(makeEvent({ id: 'evt_1' }), [])).toBeUndefined()
  })

  it('is a digest that tells of it, also by another digest', () => {
    expect(findRequest(digestOf({ id: 'evt_2' }, { id: 'evt_1' }), asked)).toBeDefined()
    expect(findRequest(digestOf({ id: 'evt_2' }), asked)).toBeUndefined()
    const inner = digestOf({ id: 'evt_1' })
    expect(findRequest(digestOf({ id: 'dig_0', data: inner.data }), asked)).toBeDefined()
  })

  it('is not an event that took the id after it was asked for', () => {
    const later = '2026-11-21T12:28:12.345Z'
    expect(findRequest(makeEvent({ id: 'evt_1', createdAt: later }), asked)).toBeUndefined()
    expect(findRequest(digestOf({ id: 'evt_1', createdAt: later }), asked)).toBeUndefined()
  })

  it('is nothing of what was erased before, and no list of another shape', () => {
    expect(findRequest(withoutData(makeEvent({ id: 'evt_1' })), asked)).toBeUndefined()
    for (const events of [[null, 'evt_1', 1, { id: 'evt_1' }], 'evt_1', { id: 'evt_1' }])
      expect(findRequest(makeEvent({ id: 'evt_2', data: { events } }), asked)).toBeUndefined()
  })
})

const secret = 'Zoë Ångström'
const log: Timeline = {
  status: 'partial',
  deliveries: [
    {
      destinationId: 'dst_1',
      channel: 'webhook',
      status: 'failed',
      reason: `rejected: ${secret}\nand more of ${secret}`,
      attempts: [
        {
          number: 1,
          at,
          durationMs: 12,
          outcome: 'rejected',
          responseCode: 400,
          responseExcerpt: secret,
          error: `HTTP 400: ${secret}`,
          errorClass: 'http',
          templateFault: secret,
          template: { id: 'tpl_1', version: 2 },
          requestHeaders: { 'Webhook-Id': 'evt_1', 'webhook-signature': secret, 'X-Own': secret },
        },
      ],
    },
    {
      destinationId: 'dst_2',
      channel: 'email',
      status: 'failed',
      reason: `given up: ${secret}`,
      attempts: [],
    },
    {
      destinationId: 'dst_3',
      channel: 'slack',
      status: 'skipped',
      reason: 'cancelled on request',
      attempts: [],
    },
  ],
  routing: [
    { destinationId: 'dst_1', matched: true, reason: 'subscribed to aml.*' },
    {
      ruleId: 'rul_1',
      version: 1,
      name: 'R',
      matched: true,
      reason: `throttled: 3 events with ${secret}`,
      heldBack: 'throttled',
    },
  ],
  steps: [
    { path: 'rul_1/0', kind: 'digest', status: 'waiting', at, reason: `with data.name = ${secret}` },
    { path: 'rul_1/1', kind: 'deliver', status: 'done', at, endedAt: at, reason: '1 of 1 delivered' },
  ],
  acknowledgement: { at, by: 'Ada', via: 'api', keyId: 'key_1', note: `spoke to ${secret}` },
}

describe('a log without what may quote its event', () => {
  it('tells who got it, when, how often and with which outcome, and why', () => {
    const clean = withoutPayload(log)
    expect(JSON.stringify(clean)).not.toContain(secret)
    expect(clean).toEqual({
      status: 'partial',
      deliveries: [
        {
          destinationId: 'dst_1',
          channel: 'webhook',
          status: 'failed',
          reason: 'rejected',
          attempts: [
            {
              number: 1,
              at,
              durationMs: 12,
              outcome: 'rejected',
              responseCode: 400,
              errorClass: 'http',
              template: { id: 'tpl_1', version: 2 },
              requestHeaders: { 'Webhook-Id': 'evt_1' },
            },
          ],
        },
        { destinationId: 'dst_2', channel: 'email', status: 'failed', reason: 'given up', attempts: [] },
        { ...log.deliveries[2] },
      ],
      routing: [log.routing[0], { ...log.routing[1], reason: 'throttled' }],
      steps: [{ path: 'rul_1/0', kind: 'digest', status: 'waiting', at }, log.steps?.[1]],
      acknowledgement: { at, by: 'Ada', via: 'api', keyId: 'key_1' },
    })
  })

  it('is the same however often it is cleaned', () => {
    expect(withoutPayload(withoutPayload(log))).toEqual(withoutPayload(log))
  })
})
