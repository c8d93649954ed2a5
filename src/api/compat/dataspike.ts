import { z } from 'zod'
import { findTenant } from '../tenants/store.ts'
import { route } from '../http/route.ts'
import { destinationIdAsked } from './webhooks-api/ids.ts'
import { readHistory } from './webhooks-api/history.ts'

/** Base path in Dataspike’s API reference. */
export const dataspikeBasePath = '/api/v3/notifications'

const invocation = z
  .object({
    id: z.string(),
    webhook_id: z.string(),
    event_type: z.string(),
    payload: z.record(z.string(), z.unknown()),
    timestamp: z.string(),
    is_sandbox: z.boolean(),
    attempts: z.int(),
    response_code: z.int().nullable().meta({
      description:
        'The status code of the last attempt; null while pending, 0 if it ended without a response.',
    }),
    last_attempt_at: z.string().nullable(),
  })
  .meta({ id: 'WebhookInvocation' })

export const dataspikeRoutes = [
  route({
    method: 'get',
    path: '/webhook/history',
    operationId: 'listWebhookHistory',
    access: { scope: 'events:read' },
    summary: 'List webhook invocations, oldest first (Dataspike)',
    query: z.strictObject({
      after: z
        .string()
        .min(1)
        .optional()
        .meta({ description: 'The id of the last event you have received.' }),
      webhook: z.string().min(1).optional().meta({ description: 'Only invocations of this webhook.' }),
      limit: z.coerce.number().int().min(1).max(100).default(100),
    }),
    errors: ['not_found'],
    replies: {
      200: z.object({ data: z.array(invocation), has_next: z.boolean() }).meta({ id: 'WebhookHistory' }),
    },
    async handle({ query: { after, webhook, limit }, scope }, deps) {
      const { createdAt } = await findTenant(deps.db, scope.tenantId)
      const destinationId = destinationIdAsked(webhook)
      const asked = { after, destinationId, limit, since: createdAt }
      return { status: 200, body: await readHistory(deps, scope, asked) }
    },
  }),
]
