import { cloudEvents } from './cloudevents.ts'
import { dataspike } from './dataspike.ts'
import { kycWebhooks } from './kyc-webhooks.ts'
import { smartKyc } from './smart-kyc.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import type { WireFormat } from './wire-format.ts'

/** Every wire format that a webhook destination can choose by name. The first is the default. */
export const wireFormats: readonly WireFormat[] = [
  standardWebhooks,
  cloudEvents,
  dataspike,
  kycWebhooks,
  smartKyc,
]
export const wireFormatNames = wireFormats.map(({ name }) => name)

export function findWireFormat(name: string): WireFormat | undefined {
  return wireFormats.find((format) => format.name === name)
}
