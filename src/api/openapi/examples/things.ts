import type { Event } from '../../../domain/event.ts'

/** Ids in the examples. The test of the examples replaces them with those of real things. */
export const exampleIds = {
  tenant: 'ten_01jd7a9f2gfq8v4x5y6z7a8b9c',
  destination: 'dst_01jd7b2m3nfq8v4x5y6z7a8b9c',
  email: 'dst_01jd7b2m3nfq8v4x5y6z7a8b9d',
  event: 'evt_01jd7b6h2k4m5n6p7q8r9s0t1v',
  replay: 'rpl_5d1c1f7a100a8d3b1e6f0c4b579f0e2c5d1c1f7a',
  rule: 'rul_01jd7c0v5wfq8v4x5y6z7a8b9c',
  template: 'tpl_01jd7c2r8tfq8v4x5y6z7a8b9c',
  key: 'key_01jd7aa1b2fq8v4x5y6z7a8b9c',
  previousKey: 'key_01jc1aa1b2fq8v4x5y6z7a8b9c',
  erasure: 'era_01jd7e4n6pfq8v4x5y6z7a8b9c',
  deletion: 'del_01jd7e8q1rfq8v4x5y6z7a8b9c',
  webhook: '01934fb1-5174-7ae9-b24f-45f1bf3a2969',
}

export const exampleTime = '2026-11-21T10:15:00.000Z'
export const laterTime = '2026-11-21T10:15:00.412Z'
export const dayAfter = '2026-11-22T10:15:00.000Z'

/** The secret in the examples of Standard Webhooks’ specification. */
export const exampleSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
export const exampleUrl = 'https://example.com/hooks/switchyard'
export const exampleAddress = 'oncall@example.com'
export const exampleType = 'aml.match.found'
export const exampleData = { customerId: 'cus_7421', name: 'Jane Roe', list: 'OFAC SDN', score: 0.93 }

export const exampleEvent: Event = {
  id: exampleIds.event,
  tenantId: exampleIds.tenant,
  environment: 'production',
  type: exampleType,
  data: exampleData,
  createdAt: exampleTime,
}
