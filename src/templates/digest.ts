import type { Digest } from '../domain/digest.ts'
import { payloadFields } from '../domain/json/payload-fields.ts'

export function digestTitle(digest: Digest): string {
  return `${countEvents(digest)}: ${digest.rule.name}`
}

/** Why a digest is sent, unless its rule gives another reason. The default message's title says the same. */
export function digestReason(digest: Digest): string {
  return `digest of ${countEvents(digest)}`
}

function countEvents({ count }: Digest): string {
  return `${count} ${count === 1 ? 'event' : 'events'}`
}

/** The maximum number of fields shown of an object key. The digest's data has the rest. */
const keyFieldsShown = 6

/** `data.customerId: cus_17`, where the events have something in common. A key may be any JSON. */
export function sharedKey({ by, key }: Digest): string | undefined {
  if (by === undefined || key === undefined) return undefined
  const { fields, more } = payloadFields({ [by]: key }, keyFieldsShown)
  const shown = fields.map(({ path, value }) => `${path}: ${value}`).join(', ')
  return more > 0 ? `${shown}, and ${more} more` : shown
}

/** `12 × aml.match.found, 1 × kyc.approved`, the commonest first. */
export function typeCounts({ types }: Digest): string {
  return Object.entries(types)
    .sort(([, a], [, b]) => b - a)
    .map(([type, count]) => `${count} × ${type}`)
    .join(', ')
}
