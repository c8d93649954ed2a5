import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { openDestination, type Destination, type Scope } from '../../../db/destinations/destinations.ts'
import { catalogueTypes, findEntry, nearestTypes } from '../../../domain/catalogue/index.ts'
import { filterProblems } from '../../../domain/filters/filters.ts'
import { truncate } from '../../../domain/truncate.ts'
import type { LiveCounts } from '../../../temporal/counts/live.ts'
import type { AppDeps } from '../../deps.ts'
import { readAllStats, readStatsOfAll } from '../../stats/read.ts'
import { deliveryPolicy } from '../../destinations/fields.ts'
import { writeDestination } from '../../destinations/news.ts'
import {
  changeDestination,
  createDestination,
  deleteDestination,
  inStoreTurn,
  requireDestination,
} from '../../destinations/store.ts'
import { notFound } from '../../errors.ts'
import { filterObject } from '../../fields/filter.ts'
import { route } from '../../http/route.ts'
import { jsonObject } from '../../fields/text.ts'
import { withFieldNames } from '../field-names.ts'
import { webhookUrl } from './fields.ts'
import { toFilter, givenPath } from './filters.ts'
import { toDestinationId, microsecondTime, toWebhookId } from './ids.ts'

/** The Webhooks API: a webhook is a destination with one event type. */
const contract = 'webhooks-api'

const eventType = z.string().superRefine((type, context) => {
  if (type === 'all' || findEntry(type)) return
  const near = nearestTypes(type, ['all', ...catalogueTypes])
  const advice = near.length > 0 ? `; did you mean ${near.join(' or ')}?` : ''
  context.addIssue({ code: 'custom', message: `is not a known event type${advice}` })
})

const filters = filterObject.superRefine((given, context) => {
  for (const { path, message } of filterProblems(toFilter(given) ?? {}))
    context.addIssue({ code: 'custom', path: givenPath(given, path), message })
})

const description = z.string().max(2000)

const webhookFields = z
  .object({
    id: z.guid(),
    event_type: z.string(),
    webhook_url: z.string(),
    is_active: z.boolean(),
    description: z.string(),
    filters: z.record(z.string(), z.unknown()),
    created_at: z.string(),
    stats: z
      .object({
        total_deliveries: z.int(),
        successful_deliveries: z.int(),
        failed_deliveries: z.int(),
      })
      .meta({ id: 'WebhookStats' }),
    last_triggered_at: z.string().nullable(),
  })
  .meta({ id: 'WebhookSummary' })

/** Fields of a webhook that only this API has, as they are stored. */
const storedFields = z.object({ description: z.string(), filters: jsonObject })

/** This API's names for our fields. */
const fieldNames = { 'config.url': 'webhook_url', 'subscription.filter': 'filters' }

export const webhookRoutes = [
  route({
    method: 'post',
    path: '/webhooks/',
    operationId: 'createWebhook',
    access: { scope: 'destinations:write' },
    queryKey: true,
    summary: 'Create a webhook (Webhooks API); its secret key is returned only in this response',
    body: z
      .strictObject({
        event_type: eventType,
        webhook_url: webhookUrl,
        description: description.optional(),
        filters: filters.optional(),
      })
      .meta({ id: 'NewWebhook' }),
    errors: ['limit_reached'],
    replies: {
      201: z
        .object({
          id: z.guid(),
          event_type: z.string(),
          webhook_url: z.string(),
          secret_key: z.string(),
          message: z.string(),
        })
        .meta({ id: 'CreatedWebhook' }),
    },
    async handle({ body, scope, by }, deps) {
      const { event_type, webhook_url, description = '', filters = {} } = body
      const made = {
        name: toName(description, event_type),
        channel: 'webhook',
        config: { url: webhook_url, wireFormat: 'standard-webhooks' },
        subscription: { eventTypes: [event_type], filter: toFilter(filters) },
        delivery: deliveryPolicy.parse({}),
        contract,
        contractFields: { description, filters },
      }
      const { destination, secret } = await withFieldNames(fieldNames, () =>
        inStoreTurn(deps, by, (store) => createDestination(store, scope, made)),
      )
      return {
        status: 201,
        body: {
          id: toWebhookId(destination.id),
          event_type,
          webhook_url,
          secret_key: secret,
          message: 'Webhook created successfully',
        },
      }
    },
  }),
  route({
    method: 'get',
    path: '/webhooks/',
    operationId: 'listWebhooks',
    access: { scope: 'destinations:read' },
    queryKey: true,
    summary: 'List all webhooks in the key’s environment (Webhooks API), newest first',
    replies: { 200: z.object({ webhooks: z.array(webhookFields) }).meta({ id: 'Webhooks' }) },
    async handle({ scope }, deps) {
      const rows = await deps.db.destination.findMany({
        where: { ...scope, contract },
        orderBy: { id: 'desc' },
      })
      const stats = rows.length > 0 ? await readStatsOfAll(deps, scope) : new Map<string, LiveCounts>()
      const webhooks = rows.map((row) => show(openDestination(row, deps.secretKeys), stats.get(row.id)))
      return { status: 200, body: { webhooks } }
    },
  }),
  route({
    method: 'get',
    path: '/webhooks/:webhook_id/',
    operationId: 'getWebhook',
    access: { scope: 'destinations:read' },
    queryKey: true,
    summary: 'Get a webhook (Webhooks API)',
    replies: { 200: webhookFields.extend({ updated_at: z.string() }).meta({ id: 'Webhook' }) },
    async handle({ params, scope }, deps) {
      const destination = await requireWebhook(deps, scope, params.webhook_id)
      const counts = await readAllStats(deps, destination.id)
      const { stats, last_triggered_at, ...fields } = show(destination, counts)
      const updated_at = microsecondTime(destination.updatedAt)
      return { status: 200, body: { ...fields, updated_at, stats, last_triggered_at } }
    },
  }),
  route({
    method: 'patch',
    path: '/webhooks/:webhook_id/',
    operationId: 'updateWebhook',
    access: { scope: 'destinations:write' },
    queryKey: true,
    summary: 'Update a webhook (Webhooks API)',
    body: z
      .strictObject({
        webhook_url: webhookUrl.optional(),
        is_active: z.boolean().optional(),
        description: description.optional(),
        filters: filters.optional(),
      })
      .meta({ id: 'WebhookPatch' }),
    replies: { 200: z.object({ message: z.string(), id: z.guid() }).meta({ id: 'UpdatedWebhook' }) },
    async handle({ params, body, by }, deps) {
      const { webhook_url, is_active, ...given } = body
      const id = toDestinationId(params.webhook_id)
      const { destination } = await withFieldNames(fieldNames, () =>
        writeDestination(deps, by, id, (store, found) => {
          const current = asWebhook(found)
          const { description, filters } = { ...toContractFields(current), ...given }
          const [eventType = 'all'] = current.subscription.eventTypes
          return changeDestination(store, current, {
            ...(given.description !== undefined && { name: toName(given.description, eventType) }),
            ...(webhook_url !== undefined && { config: { url: webhook_url } }),
            ...(is_active !== undefined && { status: is_active ? 'active' : 'paused' }),
            subscription: { ...current.subscription, filter: toFilter(filters) },
            contractFields: { description, filters },
          })
        }),
      )
      return { status: 200, body: { message: 'Webhook updated', id: toWebhookId(destination.id) } }
    },
  }),
  route({
    method: 'delete',
    path: '/webhooks/:webhook_id/',
    operationId: 'deleteWebhook',
    access: { scope: 'destinations:write' },
    queryKey: true,
    summary: 'Delete a webhook permanently (Webhooks API)',
    replies: { 200: z.object({ message: z.string() }).meta({ id: 'DeletedWebhook' }) },
    async handle({ params, scope, by }, deps) {
      const { id } = await requireWebhook(deps, scope, params.webhook_id)
      await inStoreTurn(deps, by, (store) => deleteDestination(store, scope, id))
      return { status: 200, body: { message: 'Webhook deleted successfully' } }
    },
  }),
]

/** Returns a webhook made through this API, or throws 404: the API cannot show a destination with several event types. */
async function requireWebhook(deps: AppDeps, scope: Scope, id: string) {
  return asWebhook(await requireDestination(deps, scope, toDestinationId(id)))
}

function asWebhook(destination: Destination): Destination {
  if (destination.contract !== contract) throw notFound('webhook')
  return destination
}

function show(destination: Destination, counts: LiveCounts | undefined) {
  const { id, subscription, config, status, createdAt } = destination
  const { total = 0, succeeded = 0, failed = 0, lastAttemptAt } = counts ?? {}
  return {
    id: toWebhookId(id),
    event_type: subscription.eventTypes[0],
    webhook_url: config.url,
    is_active: status === 'active',
    ...toContractFields(destination),
    created_at: microsecondTime(createdAt),
    stats: { total_deliveries: total, successful_deliveries: succeeded, failed_deliveries: failed },
    last_triggered_at: lastAttemptAt === undefined ? null : microsecondTime(lastAttemptAt),
  }
}

/** Returns the filters as they were given, unless the native API has changed the filter since. */
function toContractFields({ contractFields, subscription: { filter } }: Destination) {
  const { description, filters } = storedFields.parse(contractFields)
  return { description, filters: isDeepStrictEqual(toFilter(filters), filter) ? filters : (filter ?? {}) }
}

/** Returns a display name: the description on a single line, or else the event type. */
function toName(description: string, eventType: string): string {
  return truncate(description.replace(/\p{Cc}+/gu, ' ').trim(), 200) || eventType
}
