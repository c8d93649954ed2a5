import { typeid } from 'typeid-js'
import { z } from 'zod'
import type { Channel } from '../channels/channel.ts'
import { channels, findChannel } from '../channels/index.ts'
import { maskConfig, splitConfig, unmaskConfig } from '../channels/secrets.ts'
import { findDestination, openDestination, sealConfig, type Destination } from '../db/destinations.ts'
import { destinationStatuses } from '../domain/destination.ts'
import { environments, type JsonObject } from '../domain/event.ts'
import type { AppDeps } from './app.ts'
import { deliveryPolicy, deliveryPolicyPatch, subscription } from './destination-fields.ts'
import { ApiError, invalid, notFound } from './errors.ts'
import { route, scopeOf, type TenantCaller } from './route.ts'
import { nameText } from './text.ts'
import { validate } from './validate.ts'

/** One shape for each channel in the registry, told apart by `channel`. */
const shapes = channels.map(({ name, config }) =>
  z.strictObject({
    name: nameText,
    channel: z.literal(name),
    config,
    subscription,
    delivery: deliveryPolicy.prefault({}),
  }),
)
type Shape = (typeof shapes)[number]
const destinationBody = z.discriminatedUnion('channel', shapes as [Shape, ...Shape[]])

const destinationPatch = z.strictObject({
  name: nameText.optional(),
  config: z.record(z.string(), z.unknown()).optional(),
  subscription: subscription.optional(),
  delivery: deliveryPolicyPatch.optional(),
})

const destinationReply = z.object({
  id: z.string(),
  name: z.string(),
  channel: z.string(),
  environment: z.enum(environments),
  status: z.enum(destinationStatuses),
  statusReason: z.string().optional(),
  config: z.record(z.string(), z.unknown()).meta({ description: 'Secrets are masked.' }),
  subscription,
  delivery: deliveryPolicy,
  createdAt: z.string(),
  updatedAt: z.string(),
})

export const destinationRoutes = [
  route({
    method: 'post',
    path: '/destinations',
    access: { scope: 'settings:write' },
    summary: 'Create a destination; its signing secret is shown only in this answer',
    body: destinationBody,
    replies: { 201: destinationReply.extend({ secret: z.string().optional() }) },
    async handle({ body, caller }, deps) {
      const channel = channelOf(body.channel)
      const config = body.config as JsonObject
      check(channel, config, caller, deps)
      await requireRoom(caller, deps)
      const id = typeid('dst').toString()
      const secret = channel.issueSecret?.()
      const row = await deps.db.destination.create({
        data: {
          id,
          ...scopeOf(caller),
          name: body.name,
          channel: channel.name,
          ...sealed(deps, id, channel, config, secret),
          subscription: body.subscription,
          delivery: body.delivery,
        },
      })
      return {
        status: 201,
        body: { ...show(openDestination(row, deps.secretKeys)), ...(secret && { secret }) },
      }
    },
  }),
  route({
    method: 'get',
    path: '/destinations',
    access: { scope: 'settings:read' },
    summary: 'List the destinations of the key’s environment, newest first',
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(100).default(50),
      cursor: z.string().optional(),
    }),
    replies: { 200: z.object({ data: z.array(destinationReply), nextCursor: z.string().nullable() }) },
    async handle({ query: { limit, cursor }, caller }, { db, secretKeys }) {
      const found = await db.destination.findMany({
        where: { ...scopeOf(caller), ...(cursor && { id: { lt: cursor } }) },
        orderBy: { id: 'desc' },
        take: limit + 1,
      })
      const page = found.slice(0, limit)
      const nextCursor = found.length > limit ? (page.at(-1)?.id ?? null) : null
      return {
        status: 200,
        body: { data: page.map((row) => show(openDestination(row, secretKeys))), nextCursor },
      }
    },
  }),
  route({
    method: 'get',
    path: '/destinations/:id',
    access: { scope: 'settings:read' },
    summary: 'Get a destination',
    replies: { 200: destinationReply },
    async handle({ params, caller }, deps) {
      return { status: 200, body: show(await find(params.id, caller, deps)) }
    },
  }),
  route({
    method: 'patch',
    path: '/destinations/:id',
    access: { scope: 'settings:write' },
    summary:
      'Change a destination; fields of config that are left out, or sent back masked, stay as they are',
    body: destinationPatch,
    replies: { 200: destinationReply },
    async handle({ params, body, caller }, deps) {
      const current = await find(params.id, caller, deps)
      const channel = channelOf(current.channel)
      const merged = {
        ...current.config,
        ...unmaskConfig(channel, (body.config ?? {}) as JsonObject, current.config),
      }
      const config = validate(channel.config, dropNulls(merged), 'config') as JsonObject
      check(channel, config, caller, deps)
      const row = await deps.db.destination.update({
        where: { id: current.id, ...scopeOf(caller) },
        data: {
          name: body.name,
          ...sealed(deps, current.id, channel, config, current.secret),
          ...(body.subscription && { subscription: body.subscription }),
          ...(body.delivery && { delivery: { ...current.delivery, ...body.delivery } }),
        },
      })
      return { status: 200, body: show(openDestination(row, deps.secretKeys)) }
    },
  }),
  route({
    method: 'delete',
    path: '/destinations/:id',
    access: { scope: 'settings:write' },
    summary: 'Delete a destination; deliveries that still wait for it are skipped',
    replies: { 204: null },
    async handle({ params, caller }, { db }) {
      const { count } = await db.destination.deleteMany({
        where: { id: params.id ?? '', ...scopeOf(caller) },
      })
      if (count === 0) throw notFound('destination')
      return { status: 204 }
    },
  }),
  statusRoute('pause', 'Pause a destination: events for it are recorded as skipped', 'paused'),
  statusRoute('resume', 'Make a paused or disabled destination active again', 'active'),
]

function statusRoute(verb: string, summary: string, status: 'paused' | 'active') {
  return route({
    method: 'post',
    path: `/destinations/:id/${verb}`,
    access: { scope: 'settings:write' },
    summary,
    replies: { 200: destinationReply },
    async handle({ params, caller }, deps) {
      const { id } = await find(params.id, caller, deps)
      const row = await deps.db.destination.update({
        where: { id, ...scopeOf(caller) },
        data: { status, statusReason: status === 'paused' ? 'paused by the API' : null },
      })
      return { status: 200, body: show(openDestination(row, deps.secretKeys)) }
    },
  })
}

async function find(
  id: string | undefined,
  caller: TenantCaller,
  { db, secretKeys }: AppDeps,
): Promise<Destination> {
  const found = await findDestination(db, secretKeys, scopeOf(caller), id ?? '')
  if (!found) throw notFound('destination')
  return found
}

/** A plan names every destination with its reason, and must fit into one workflow payload. */
const mostDestinations = 1000

async function requireRoom(caller: TenantCaller, { db }: AppDeps): Promise<void> {
  if ((await db.destination.count({ where: scopeOf(caller) })) < mostDestinations) return
  throw new ApiError(
    'limit_reached',
    `A tenant has at most ${mostDestinations} destinations in an environment.`,
  )
}

function channelOf(name: string): Channel {
  const channel = findChannel(name)
  if (!channel) throw new Error(`the channel ${name} is not in the registry`)
  return channel
}

function check(
  channel: Channel,
  config: JsonObject,
  { environment }: TenantCaller,
  { egress }: AppDeps,
): void {
  const problems = channel.check(config, { environment, egress })
  if (problems.length > 0)
    throw invalid(problems.map(({ path, message }) => ({ path: `config.${path}`, message })))
}

function sealed(deps: AppDeps, id: string, channel: Channel, config: JsonObject, secret: string | undefined) {
  const parts = splitConfig(channel, config)
  return sealConfig(id, { open: parts.open, secret: { config: parts.secret, secret } }, deps.secretKeys)
}

/** `null` takes an optional field away. */
function dropNulls(config: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null))
}

function show(destination: Destination) {
  const { id, name, channel, environment, status, statusReason, config, subscription, delivery } = destination
  return {
    id,
    name,
    channel,
    environment,
    status,
    ...(statusReason && { statusReason }),
    config: maskConfig(channelOf(channel), config),
    subscription,
    delivery,
    createdAt: destination.createdAt.toISOString(),
    updatedAt: destination.updatedAt.toISOString(),
  }
}
