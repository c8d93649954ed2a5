import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Tx } from '../../db/client.ts'
import { openDestination, type Destination, type Scope } from '../../db/destinations/destinations.ts'
import type { JsonObject } from '../../domain/event.ts'
import { maskToLastFour } from '../../domain/redaction/redaction.ts'
import type { AppDeps } from '../deps.ts'
import { deliveryPolicy } from '../destinations/fields.ts'
import { tellOfChange } from '../destinations/news.ts'
import {
  changeDestination,
  createDestination,
  deleteDestination,
  inStoreTurn,
  type StoreDeps,
} from '../destinations/store.ts'
import { invalid, notFound } from '../errors.ts'
import { route } from '../http/route.ts'
import { audit } from '../audit/writer.ts'
import { withFieldNames } from './field-names.ts'

/**
 * The tenant settings of the KYC-Webhooks document. They have at most one destination per channel, stored with this contract name.
 */
const contract = 'tenant-settings'

/** The document's webhook categories, as event types to subscribe to. */
const categories = {
  session: ['kyc.session.*', 'session.*'],
  watchlist: ['kyc.watchlist.*', 'watchlist.*'],
} as const
type Category = keyof typeof categories
const categoryNames = Object.keys(categories) as [Category, ...Category[]]

const settingsPatch = z
  .strictObject({
    webhook_url: z.string().nullable().optional(),
    webhook_secret: z.string().max(256).nullable().optional(),
    notification_emails: z.array(z.string()).nullable().optional(),
    slack_webhook_url: z.string().nullable().optional(),
    event_categories: z
      .array(z.enum(categoryNames))
      .min(1)
      .nullable()
      .optional()
      .meta({ description: 'The categories to notify about; null means all.' }),
  })
  .meta({ id: 'TenantSettingsPatch' })
type Patch = z.output<typeof settingsPatch>

const settingsReply = z
  .object({
    webhook_url: z.string().nullable(),
    webhook_secret: z
      .string()
      .nullable()
      .meta({ description: 'Masked except for the last four characters.' }),
    notification_emails: z.array(z.string()),
    slack_webhook_url: z
      .string()
      .nullable()
      .meta({ description: 'Masked except for the last four characters.' }),
    event_categories: z.array(z.enum(categoryNames)).nullable(),
  })
  .meta({ id: 'TenantSettings' })

export const tenantSettingsRoutes = [
  route({
    method: 'get',
    path: '/tenant/settings',
    operationId: 'getTenantSettings',
    access: { scope: 'destinations:read' },
    queryKey: true,
    summary: 'Get the notification settings of the key’s environment (KYC-Webhooks)',
    replies: { 200: settingsReply },
    async handle({ scope }, deps) {
      return { status: 200, body: show(await read(deps, scope)) }
    },
  }),
  route({
    method: 'patch',
    path: '/tenant/settings',
    operationId: 'updateTenantSettings',
    access: { scope: 'destinations:write' },
    queryKey: true,
    summary:
      'Update the notification settings (KYC-Webhooks); null disables a channel, masked values are kept',
    body: settingsPatch,
    errors: ['limit_reached'],
    replies: { 200: settingsReply },
    async handle({ body, scope, by }, deps) {
      const changed = await inStoreTurn(deps, by, async (store) => {
        const before = await read(store, scope)
        await write(store, scope, before, body)
        const settings = await read(store, scope)
        if (body.event_categories && !Object.values(settings).some(Boolean))
          throw invalid([
            {
              path: 'event_categories',
              message: 'requires a webhook, an email address or Slack to be configured',
            },
          ])
        for (const name of ['webhook', 'email', 'slack'] as const)
          await tellOfChange(deps, before[name], settings[name])
        return settings
      })
      return { status: 200, body: show(changed) }
    },
  }),
  route({
    method: 'post',
    path: '/tenant/settings/reveal-secret',
    operationId: 'revealWebhookSecret',
    access: { scope: 'secrets:read' },
    summary: 'Reveal the webhook secret (KYC-Webhooks); each call is recorded in the audit log',
    errors: ['not_found'],
    replies: { 200: z.object({ webhook_secret: z.string() }).meta({ id: 'RevealedWebhookSecret' }) },
    async handle({ scope, by }, deps) {
      return inStoreTurn(deps, by, async (store) => {
        const { webhook } = await read(store, scope)
        if (!webhook?.keys.secret) throw notFound('webhook secret')
        const done = { action: 'webhook-secret.revealed', subject: webhook.id }
        await audit(store.db, store.writer, done)
        return { status: 200, body: { webhook_secret: webhook.keys.secret } }
      })
    },
  }),
]

interface Settings {
  webhook?: Destination
  email?: Destination
  slack?: Destination
}

async function read(
  { db, secretKeys }: Pick<AppDeps, 'secretKeys'> & { db: Tx },
  scope: Scope,
): Promise<Settings> {
  const rows = await db.destination.findMany({ where: { ...scope, contract } })
  const found = rows.map((row) => openDestination(row, secretKeys))
  const of = (channel: string) => found.find((destination) => destination.channel === channel)
  return { webhook: of('webhook'), email: of('email'), slack: of('slack') }
}

async function write(store: StoreDeps, scope: Scope, current: Settings, patch: Patch): Promise<void> {
  const { webhook_url, notification_emails, event_categories } = patch
  const slackUrl = unlessMasked(patch.slack_webhook_url, readSlackUrl(current))
  const place = { store, scope, asked: event_categories, known: toCategories(current) }
  await put(place, current.webhook, {
    channel: 'webhook',
    name: 'Tenant webhook',
    config: isGiven(webhook_url) ? { url: webhook_url } : webhook_url,
    madeWith: { wireFormat: 'kyc-webhooks' },
    secret: newSecret(patch, current),
    fieldNames: { 'config.url': 'webhook_url', secret: 'webhook_secret' },
  })
  await put(place, current.email, {
    channel: 'email',
    name: 'Notification emails',
    config: notification_emails?.length === 0 ? null : notification_emails && { to: notification_emails },
    fieldNames: { 'config.to': 'notification_emails' },
  })
  await put(place, current.slack, {
    channel: 'slack',
    name: 'Slack notifications',
    config: isGiven(slackUrl) ? { webhookUrl: slackUrl } : slackUrl,
    fieldNames: { 'config.webhookUrl': 'slack_webhook_url' },
  })
}

/** The settings of one channel. */
interface Wanted {
  channel: string
  name: string
  /** The new configuration; `null` turns the channel off. */
  config: JsonObject | null | undefined
  /** Additional config of a new destination. A change does not touch it. */
  madeWith?: JsonObject
  secret?: string
  fieldNames: Record<string, string>
}

interface Place {
  store: StoreDeps
  scope: Scope
  /** `asked` are the categories in the patch, `known` those of the existing channels. */
  asked: readonly Category[] | null | undefined
  known: readonly Category[] | null
}

async function put({ store, scope, asked, known }: Place, current: Destination | undefined, wanted: Wanted) {
  const { channel, name, config, madeWith, secret, fieldNames } = wanted
  if (config === null) return current && (await deleteDestination(store, scope, current.id))
  return withFieldNames(fieldNames, async () => {
    if (current) {
      const subscription =
        asked === undefined ? undefined : { ...current.subscription, eventTypes: toEventTypes(asked) }
      // Setting the URL again reactivates a disabled destination. A paused destination stays paused unless its config changes.
      const same = isDeepStrictEqual({ ...current.config, ...config }, current.config)
      const status = config && !(same && current.status === 'paused') ? 'active' : undefined
      await changeDestination(store, current, { config, subscription, secret, status })
    } else if (config) {
      const subscription = { eventTypes: toEventTypes(asked === undefined ? known : asked) }
      const made = { name, channel, config: { ...config, ...madeWith }, subscription, secret, contract }
      await createDestination(store, scope, { ...made, delivery: deliveryPolicy.parse({}) })
    }
  })
}

/** Returns a new secret from the patch. A masked value means that the stored secret is kept. */
function newSecret({ webhook_url, webhook_secret }: Patch, { webhook }: Settings): string | undefined {
  const secret = unlessMasked(webhook_secret, webhook?.keys.secret)
  if (!isGiven(secret)) return undefined
  if (webhook_url === null || (!webhook && webhook_url === undefined))
    throw invalid([{ path: 'webhook_secret', message: 'requires webhook_url' }])
  return secret
}

function isGiven<Value>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined
}

function unlessMasked(given: string | null | undefined, stored: string | undefined) {
  return given && stored !== undefined && given === maskToLastFour(stored) ? undefined : given
}

function toEventTypes(names: readonly Category[] | null): string[] {
  return names === null ? ['all'] : names.flatMap((name) => [...categories[name]])
}

function toCategories({ webhook, email, slack }: Settings): Category[] | null {
  const { eventTypes } = (webhook ?? email ?? slack)?.subscription ?? { eventTypes: ['all'] }
  const names = categoryNames.filter((name) => categories[name].every((glob) => eventTypes.includes(glob)))
  return names.length > 0 ? names : null
}

function readSlackUrl({ slack }: Settings): string | undefined {
  return slack?.config.webhookUrl as string | undefined
}

function show(settings: Settings) {
  const { webhook, email } = settings
  const slackUrl = readSlackUrl(settings)
  return {
    webhook_url: webhook?.config.url ?? null,
    webhook_secret: webhook?.keys.secret ? maskToLastFour(webhook.keys.secret) : null,
    notification_emails: email?.config.to ?? [],
    slack_webhook_url: slackUrl === undefined ? null : maskToLastFour(slackUrl),
    event_categories: toCategories(settings),
  }
}
