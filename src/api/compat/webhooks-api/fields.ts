import { z } from 'zod'

/** The Webhooks API accepts HTTPS only, in both environments. */
export const webhookUrl = z.string().regex(/^https:\/\//i, 'must be an HTTPS URL')
