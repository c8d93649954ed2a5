import type { Catalogue } from './catalogue.ts'

const at = '2026-11-21T10:15:00.000Z'
const destination = {
  destinationId: 'dst_01jd7b2m3nfq8v4x5y6z7a8b9c',
  name: 'Case system',
  channel: 'webhook',
}
const inbox = {
  destinationId: 'dst_01jd7b2m3nfq8v4x5y6z7a8b9d',
  name: 'On call',
  channel: 'email',
  address: 'oncall@example.com',
}
const event = { eventId: 'evt_01jd7b6h2k4m5n6p7q8r9s0t1v', eventType: 'aml.match.found' }

/** Switchyard's own operational events. */
export const switchyard: Catalogue = {
  contract: 'switchyard',
  groups: [
    {
      name: 'Destinations',
      description: 'Changes of a destination’s status; at is the time of the change.',
      types: [
        {
          type: 'destination.disabled',
          description:
            'A destination was disabled: it answered 410, or every attempt has failed for five days.',
          sample: { ...destination, reason: 'HTTP 410: the receiver is gone', at },
        },
        {
          type: 'destination.recovered',
          description: 'A disabled destination was reactivated.',
          sample: {
            ...destination,
            reason: `reactivated through the API; disabled since ${at}: HTTP 410: the receiver is gone`,
            at: '2026-11-21T16:40:00.000Z',
          },
        },
      ],
    },
    {
      name: 'Deliveries',
      description: 'Deliveries that fail. Not sent to the destination that they concern.',
      types: [
        {
          type: 'delivery.failing',
          description:
            'The fourth attempt of a delivery failed. Sent once per destination until a delivery to it succeeds.',
          sample: {
            ...destination,
            failingSince: at,
            ...event,
            attempts: 4,
            lastError: 'HTTP 503',
            at: '2026-11-21T10:50:05.000Z',
          },
        },
        {
          type: 'delivery.exhausted',
          description:
            'A delivery failed for good: its retry schedule is exhausted, it was rejected, or the event expired.',
          sample: {
            ...event,
            eventCreatedAt: at,
            ...destination,
            reason: 'exhausted: all 10 attempts failed',
            attempts: 10,
            lastError: 'HTTP 503',
            at: '2026-11-24T13:20:00.000Z',
          },
        },
      ],
    },
    {
      name: 'Digests',
      description: 'Digests that rules have collected.',
      types: [
        {
          type: 'digest',
          description:
            'Events that a rule has collected, as one event. by and key name what they have in common if the rule groups by a path.',
          sample: {
            rule: { id: 'rul_01jd7b8c3nfq8v4x5y6z7a8b9c', name: 'Hourly digest' },
            by: 'data.customerId',
            key: 'cus_17',
            count: 2,
            from: at,
            to: '2026-11-21T10:50:05.000Z',
            types: { 'aml.match.found': 1, 'document.expired': 1 },
            events: [
              {
                id: event.eventId,
                type: event.eventType,
                createdAt: at,
                data: { customerId: 'cus_17', name: 'John Doe', riskLevel: 'high' },
              },
              {
                id: 'evt_01jd7c1p5q6r7s8t9v0w1x2y3z',
                type: 'document.expired',
                createdAt: '2026-11-21T10:50:05.000Z',
                data: { customerId: 'cus_17', document: 'passport' },
              },
            ],
          },
        },
      ],
    },
    {
      name: 'Email recipients',
      description: 'Confirmations and unsubscriptions of email recipients.',
      types: [
        {
          type: 'email.confirmation',
          description:
            'A recipient of an email destination is asked to confirm. Sent to that recipient only, whatever destinations subscribe to.',
          sample: { ...inbox, at },
        },
        {
          type: 'email.unsubscribed',
          description: 'A recipient of an email destination unsubscribed from it.',
          sample: { ...inbox, at: '2026-12-02T08:00:00.000Z' },
        },
      ],
    },
    {
      name: 'Keys',
      description:
        'Rotations of signing secrets; at is the time of the rotation. The secrets themselves are never included.',
      types: [
        {
          type: 'key.rotated',
          description:
            'A signing secret was rotated: a destination’s, or the tenant’s API secret. The previous one signs as well until previousEndsAt.',
          sample: {
            kind: 'destination-secret',
            destinationId: destination.destinationId,
            name: destination.name,
            previousEndsAt: '2026-11-22T10:15:00.000Z',
            at,
          },
        },
      ],
    },
  ],
}
