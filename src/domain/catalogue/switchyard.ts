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

/** What Switchyard itself tells a tenant. */
export const switchyard: Catalogue = {
  contract: 'switchyard',
  groups: [
    {
      name: 'Destinations',
      description: 'What became of a destination; at is when its status changed.',
      types: [
        {
          type: 'destination.disabled',
          description:
            'A destination is not called any more: it answered 410, or every attempt of five days has failed.',
          sample: { ...destination, reason: 'HTTP 410: the receiver is gone', at },
        },
        {
          type: 'destination.recovered',
          description: 'A disabled destination is active again.',
          sample: {
            ...destination,
            reason: `made active again by the API; it was disabled since ${at}: HTTP 410: the receiver is gone`,
            at: '2026-11-21T16:40:00.000Z',
          },
        },
      ],
    },
    {
      name: 'Deliveries',
      description: 'What becomes of deliveries. Not sent to the destination that they tell of.',
      types: [
        {
          type: 'delivery.failing',
          description:
            'The fourth attempt of a delivery has failed as well. Told once of a destination, until something has arrived there.',
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
            'A delivery was given up: its schedule is exhausted, it was refused, or the event expired.',
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
      description: 'What rules have collected.',
      types: [
        {
          type: 'digest',
          description:
            'Events that a rule has collected, in one. by and key say what they have in common, where the rule collects by a path.',
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
      description: 'Who has agreed to get mail, and who wants no more.',
      types: [
        {
          type: 'email.confirmation',
          description:
            'A recipient of an email destination is asked to confirm. It goes to that recipient alone, whoever subscribes to what.',
          sample: { ...inbox, at },
        },
        {
          type: 'email.unsubscribed',
          description: 'A recipient of an email destination wants no more mail from it.',
          sample: { ...inbox, at: '2026-12-02T08:00:00.000Z' },
        },
      ],
    },
    {
      name: 'Keys',
      description: 'What became of signing secrets; at is when, and no secret is told.',
      types: [
        {
          type: 'key.rotated',
          description:
            'A signing secret was replaced: a destination’s, or the tenant’s API secret. The one before signs until previousEndsAt.',
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
