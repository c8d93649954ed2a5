import type { Catalogue } from './catalogue.ts'

const at = '2026-11-21T10:15:00.000Z'
const destination = {
  destinationId: 'dst_01jd7b2m3nfq8v4x5y6z7a8b9c',
  name: 'Case system',
  channel: 'webhook',
}

/** What Switchyard itself tells a tenant (DESIGN §3, operational events). */
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
  ],
}
