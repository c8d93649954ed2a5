import { z } from 'zod'

/** Of the Webhooks API: HTTPS only, in both environments. */
export const webhookUrl = z.string().regex(/^https:\/\//i, 'must be an HTTPS URL')
