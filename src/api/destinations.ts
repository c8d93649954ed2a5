import { z } from 'zod'
import { channels } from '../channels/index.ts'
import { maskConfig } from '../channels/secrets.ts'
import { openDestination, previousInForce, type Destination } from '../db/destinations.ts'
import { destinationStatuses } from '../domain/destination.ts'
import { environments, type JsonObject } from '../domain/event.ts'
import { publicKeyOf } from '../domain/signing-keys.ts'
import { deliveryPolicy, deliveryPolicyPatch, subscription } from './destination-fields.ts'
import { writeDestination } from './destination-news.ts'
import {
  changeDestination,
  channelOf,
  createDestination,
  deleteDestination,
  requireDestination,
  setStatus,
  type ChosenStatus,
  type Written,
} from './destination-store.ts'
import { notFound } from './errors.ts'
import { idPageQuery, idPageReply, readIdPage } from './id-page.ts'
import { route, scopeOf } from './route.ts'
import { nameText } from './text.ts'

const status = z.enum(['active', 'paused'])
const secret = z.string().max(256)

/** One shape for each channel in the registry, told apart by `channel`. */
export const destinationShapes = channels.map(({ name, config }) =>
  z.strictObject({
    name: nameText,
    channel: z.literal(name),
    config,
    subscription,
    delivery: deliveryPolicy.prefault({}),
    status: status.optional(),
    secret: secret.optional().meta({ description: 'A signing secret of your own; else one is made.' }),
  }),
)
type Shape = (typeof destinationShapes)[number]
const destinationBody = z.discriminatedUnion('channel', destinationShapes as [Shape, ...Shape[]])

const destinationPatch = z.strictObject({
  name: nameText.optional(),
  config: z.record(z.string(), z.unknown()).optional(),
  subscription: subscription.optional(),
  delivery: deliveryPolicyPatch.optional(),
  status: status.optional(),
  secret: secret.nullable().optional().meta({ description: 'null asks for a new one to be made.' }),
})

const destinationReply = z.object({
  id: z.string(),
  name: z.string(),
  channel: z.string(),
  environment: z.enum(environments),
  status: z.enum(destinationStatuses),
  statusReason: z.string().optional(),
  statusAt: z.string().meta({ description: 'When the status last changed.' }),
  failingSince: z
    .string()
    .optional()
    .meta({ description: 'The first failed attempt since one last arrived; after 5 days of it, disabled.' }),
  config: z.record(z.string(), z.unknown()).meta({ description: 'Secrets are masked.' }),
  subscription,
  delivery: deliveryPolicy,
  publicKey: z.string().optional().meta({ description: 'Verifies v1a signatures (ed25519).' }),
  previousSecretsEndAt: z
    .string()
    .optional()
    .meta({ description: 'While a rotation overlaps: when the last of the previous secrets stops signing.' }),
  createdAt: z.string(),
  updatedAt: z.string(),
})
const writtenReply = destinationReply.extend({
  secret: z.string().optional().meta({ description: 'The signing secret that was made, shown this once.' }),
})

export const destinationRoutes = [
  route({
    method: 'post',
    path: '/destinations',
    access: { scope: 'settings:write' },
    summary: 'Create a destination; its signing secret is shown only in this answer',
    body: destinationBody,
    replies: { 201: writtenReply },
    async handle({ body, caller }, deps) {
      const given = { ...body, config: body.config as JsonObject }
      return { status: 201, body: showWritten(await createDestination(deps, scopeOf(caller), given)) }
    },
  }),
  route({
    method: 'get',
    path: '/destinations',
    access: { scope: 'settings:read' },
    summary: 'List the destinations of the key’s environment, newest first',
    query: idPageQuery,
    replies: { 200: idPageReply(destinationReply) },
    async handle({ query, caller }, { db, secretKeys }) {
      const page = await readIdPage(
        query,
        ({ where, ...args }) => db.destination.findMany({ ...args, where: { ...where, ...scopeOf(caller) } }),
        (row) => show(openDestination(row, secretKeys)),
      )
      return { status: 200, body: page }
    },
  }),
  route({
    method: 'get',
    path: '/destinations/:id',
    access: { scope: 'settings:read' },
    summary: 'Get a destination',
    replies: { 200: destinationReply },
    async handle({ params, caller }, deps) {
      return { status: 200, body: show(await requireDestination(deps, scopeOf(caller), params.id)) }
    },
  }),
  route({
    method: 'patch',
    path: '/destinations/:id',
    access: { scope: 'settings:write' },
    summary:
      'Change a destination; fields of config that are left out, or sent back masked, stay as they are',
    body: destinationPatch,
    replies: { 200: writtenReply },
    async handle({ params, body, caller }, deps) {
      const change = { ...body, config: body.config as JsonObject | undefined }
      const written = await writeDestination(deps, scopeOf(caller), params.id, (store, current) =>
        changeDestination(store, current, change),
      )
      return { status: 200, body: showWritten(written) }
    },
  }),
  route({
    method: 'delete',
    path: '/destinations/:id',
    access: { scope: 'settings:write' },
    summary: 'Delete a destination; deliveries that still wait for it are skipped',
    replies: { 204: null },
    async handle({ params, caller }, deps) {
      if (!(await deleteDestination(deps, scopeOf(caller), params.id))) throw notFound('destination')
      return { status: 204 }
    },
  }),
  statusRoute('pause', 'Pause a destination: events for it are recorded as skipped', 'paused'),
  statusRoute('resume', 'Make a paused or disabled destination active again', 'active'),
]

function statusRoute(verb: string, summary: string, status: ChosenStatus) {
  return route({
    method: 'post',
    path: `/destinations/:id/${verb}`,
    access: { scope: 'settings:write' },
    summary,
    replies: { 200: destinationReply },
    async handle({ params, caller }, deps) {
      const written = await writeDestination(deps, scopeOf(caller), params.id, (store, current) =>
        setStatus(store, current, status),
      )
      return { status: 200, body: show(written.destination) }
    },
  })
}

function showWritten({ destination, secret }: Written) {
  return { ...show(destination), ...(secret && { secret }) }
}

function show(destination: Destination) {
  const { id, name, channel, environment, status, statusReason, config, subscription, delivery } = destination
  const { privateKey } = destination.keys
  const [lastToEnd] = previousInForce(destination.keys, new Date())
  return {
    id,
    name,
    channel,
    environment,
    status,
    ...(statusReason && { statusReason }),
    statusAt: destination.statusAt.toISOString(),
    ...(destination.failingSince && { failingSince: destination.failingSince.toISOString() }),
    config: maskConfig(channelOf(channel), config),
    subscription,
    delivery,
    ...(privateKey && { publicKey: publicKeyOf(privateKey) }),
    ...(lastToEnd && { previousSecretsEndAt: lastToEnd.until }),
    createdAt: destination.createdAt.toISOString(),
    updatedAt: destination.updatedAt.toISOString(),
  }
}
