import { z } from 'zod'

/** Of the Webhooks API (seed document 002): HTTPS only, in both environments. */
export const webhookUrl = z.string().regex(/^https:\/\//i, 'must be an HTTPS URL')
