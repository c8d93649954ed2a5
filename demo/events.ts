import { findEntry } from '../src/domain/catalogue/index.ts'
import type { PlaceName } from './places.ts'

export interface DemoEvent {
  /** Absent: Switchyard makes one. */
  id?: string
  type: string
  /** One line for people. */
  about: string
  data: object
  /** Posted a second time, as by a platform that is not sure whether the first post got through. */
  postTwice?: true
  /** Where it must arrive, and after how many attempts. It must not arrive anywhere else. */
  arrives: Partial<Record<PlaceName, number>>
}

/** One event of each of the documents in `docs/contracts`, with the sample payloads of the catalogue. */
export const demoEvents: readonly DemoEvent[] = [
  {
    // Document 001, "DocVer Notification Event": id and payload word for word.
    id: '1ed2fb46-8271-6a33-a9ef-7553f473af46',
    ...sampled('DOCVER'),
    about: 'a passport was verified',
    postTwice: true,
    arrives: { 'Case system': 1, 'Compliance inbox': 1 },
  },
  {
    ...sampled('submission.completed'),
    about: 'a customer handed in the Basic KYC form',
    arrives: { 'Case system': 1, 'Compliance inbox': 1 },
  },
  {
    ...sampled('screening.completed'),
    about: 'a person was screened, one possible match',
    arrives: { 'Case system': 1, 'Risk engine': 3 },
  },
  {
    ...sampled('kyc.session.processed'),
    about: 'an identity check passed',
    arrives: { 'Case system': 1 },
  },
  {
    ...sampled('aml.match.found'),
    about: 'a customer is on a sanctions list, risk high',
    arrives: { 'Case system': 1, 'Risk engine': 3, '#aml-alerts': 1 },
  },
]

function sampled(type: string): Pick<DemoEvent, 'type' | 'data'> {
  const entry = findEntry(type)
  if (!entry) throw new Error(`the catalogue does not have ${type}`)
  return { type, data: entry.sample }
}
