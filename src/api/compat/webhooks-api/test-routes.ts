import { z } from 'zod'
import { webhook } from '../../../channels/webhook.ts'
import { openDestination, type Destination, type Scope } from '../../../db/destinations/destinations.ts'
import { findEntry } from '../../../domain/catalogue/index.ts'
import type { Delivery } from '../../../domain/delivery/timeline.ts'
import type { AppDeps } from '../../deps.ts'
import { invalid } from '../../errors.ts'
import { route } from '../../http/route.ts'
import { sendTest } from '../../destinations/test-event.ts'
import { validate } from '../../fields/validate.ts'
import { withFieldNames } from '../field-names.ts'
import { webhookUrl } from './fields.ts'

const testReply = z.object({
  success: z.boolean(),
  message: z.string(),
  log_id: z.int(),
  http_status_code: z.int().nullable(),
})
const delivered = testReply.meta({ id: 'WebhookTestResult' })
const failed = z.object(testReply.shape).meta({ id: 'FailedWebhookTest' })

export const webhookTestRoutes = [
  route({
    method: 'post',
    path: '/webhooks/test/',
    operationId: 'testWebhook',
    causesWebhooks: true,
    access: { scope: 'destinations:write' },
    queryKey: true,
    summary: 'Deliver a test event to a URL and return the outcome (Webhooks API)',
    body: z.strictObject({ webhook_url: webhookUrl }).meta({ id: 'WebhookTest' }),
    replies: { 200: delivered, 502: failed },
    async handle({ body: { webhook_url: url }, scope, by, hops }, deps) {
      await withFieldNames({ url: 'webhook_url' }, () => check(url, scope, deps))
      const known = await findByUrl(url, scope, deps)
      const { logId, delivery } = await sendTest(deps, by, {
        target: known ? { destinationId: known.id } : { url },
        type: 'test',
        data: findEntry('test')?.sample ?? {},
        timeoutMs: known?.delivery.timeoutMs,
        hops,
      })
      const success = delivery.status === 'delivered'
      return {
        status: success ? 200 : 502,
        body: {
          success,
          message: success
            ? 'Test webhook delivered successfully'
            : `Test webhook delivery failed: ${whyNot(delivery)}`,
          log_id: logId,
          http_status_code: delivery.attempts.at(-1)?.responseCode ?? null,
        },
      }
    },
  }),
]

function check(url: string, { environment }: Scope, { egress }: AppDeps): void {
  const config = validate(webhook.config, { url })
  const problems = webhook.check(config, { environment, egress })
  if (problems.length > 0) throw invalid(problems)
}

/** Finds the newest webhook with this URL. Its own secret then signs the test, so that the receiver can verify it. */
async function findByUrl(
  url: string,
  scope: Scope,
  { db, secretKeys }: AppDeps,
): Promise<Destination | undefined> {
  const row = await db.destination.findFirst({
    where: { ...scope, channel: 'webhook', config: { path: ['url'], equals: url } },
    orderBy: { id: 'desc' },
  })
  return row ? openDestination(row, secretKeys) : undefined
}

function whyNot({ attempts, reason }: Delivery): string {
  return attempts.at(-1)?.error ?? reason ?? 'it was not sent'
}
