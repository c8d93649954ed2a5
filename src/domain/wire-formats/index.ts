import { standardWebhooks } from './standard-webhooks.ts'
import type { WireFormat } from './wire-format.ts'

/** Every wire format that a webhook destination can choose by name. */
export const wireFormats = { [standardWebhooks.name]: standardWebhooks } as Record<string, WireFormat>
export const wireFormatNames = Object.keys(wireFormats)
