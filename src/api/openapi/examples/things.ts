import type { Event } from '../../../domain/event.ts'

/** Ids in the examples. The test of the examples replaces them with those of real things. */
export const exampleIds = {
  tenant: 'ten_01jd7a9f2gfq8v4x5y6z7a8b9c',
  destination: 'dst_01jd7b2m3nfq8v4x5y6z7a8b9c',
  event: 'evt_01jd7b6h2k4m5n6p7q8r9s0t1v',
}

export const exampleTime = '2026-11-21T10:15:00.000Z'

/** The secret in the examples of Standard Webhooks’ specification. */
export const exampleSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

export const exampleEvent: Event = {
  id: exampleIds.event,
  tenantId: exampleIds.tenant,
  environment: 'production',
  type: 'aml.match.found',
  data: { customerId: 'cus_7421', name: 'Jane Roe', list: 'OFAC SDN', score: 0.93 },
  createdAt: exampleTime,
}
