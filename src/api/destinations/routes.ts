import { z } from 'zod'
import { channels } from '../../channels/index.ts'
import { openDestination, type Destination } from '../../db/destinations/destinations.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { destinationStatuses } from '../../domain/destination.ts'
import { environments, type JsonObject } from '../../domain/event.ts'
import type { AppDeps } from '../deps.ts'
import type { ChosenStatus } from './columns.ts'
import { deliveryPolicy, deliveryPolicyPatch, subscription } from './fields.ts'
import { writeDestination } from './news.ts'
import {
  changeDestination,
  createDestination,
  deleteDestination,
  inStoreTurn,
  requireDestination,
  setStatus,
  type Written,
} from './store.ts'
import { showDestination } from './view.ts'
import { recipientReply, listRecipients } from '../recipients/store.ts'
import { notFound } from '../errors.ts'
import { idPageQuery, idPageReply, readIdPage } from '../http/id-page.ts'
import { route } from '../http/route.ts'
import { capitalize, nameText } from '../fields/text.ts'

const status = z.enum(['active', 'paused'])
const secret = z.string().max(256)

/** One schema for each channel in the registry, discriminated by `channel`. */
export const destinationShapes = channels.map(({ name, config }) =>
  z
    .strictObject({
      name: nameText,
      channel: z.literal(name),
      config: config.meta({ id: `${capitalize(name)}Config` }),
      subscription,
      delivery: deliveryPolicy.prefault({}),
      status: status.optional(),
      secret: secret.optional().meta({ description: 'Your own signing secret; generated if omitted.' }),
    })
    .meta({ id: `New${capitalize(name)}Destination` }),
)
type Shape = (typeof destinationShapes)[number]
const destinationBody = z
  .discriminatedUnion('channel', destinationShapes as [Shape, ...Shape[]])
  .meta({ id: 'NewDestination' })

const destinationPatch = z
  .strictObject({
    name: nameText.optional(),
    config: z.record(z.string(), z.unknown()).optional(),
    subscription: subscription.optional(),
    delivery: deliveryPolicyPatch.optional(),
    status: status.optional(),
    secret: secret.nullable().optional().meta({ description: 'null generates a new secret.' }),
  })
  .meta({ id: 'DestinationPatch' })

const destinationReply = z
  .object({
    id: z.string(),
    name: z.string(),
    channel: z.string(),
    environment: z.enum(environments),
    status: z.enum(destinationStatuses),
    statusReason: z.string().optional(),
    statusAt: z.string().meta({ description: 'When the status last changed.' }),
    failingSince: z.string().optional().meta({
      description:
        'The first failed attempt since the last successful one; the destination is disabled after 5 days of failures.',
    }),
    config: z.record(z.string(), z.unknown()).meta({ description: 'Secrets are masked.' }),
    subscription,
    delivery: deliveryPolicy,
    publicKey: z.string().optional().meta({ description: 'Verifies v1a signatures (ed25519).' }),
    previousSecretsEndAt: z.string().optional().meta({
      description: 'During a rotation’s overlap: when the last of the previous secrets stops signing.',
    }),
    recipients: z
      .array(recipientReply)
      .optional()
      .meta({ description: 'Email destinations only: the recipients and whether they have confirmed.' }),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: 'Destination' })
const writtenReply = destinationReply
  .extend({
    secret: z
      .string()
      .optional()
      .meta({ description: 'The generated signing secret, returned only in this response.' }),
  })
  .meta({ id: 'WrittenDestination' })

export const destinationRoutes = [
  route({
    method: 'post',
    path: '/destinations',
    operationId: 'createDestination',
    access: { scope: 'destinations:write' },
    summary: 'Create a destination; its signing secret is returned only in this response',
    body: destinationBody,
    errors: ['limit_reached'],
    replies: { 201: writtenReply },
    async handle({ body, scope, by }, deps) {
      const given = { ...body, config: body.config as JsonObject }
      const made = await inStoreTurn(deps, by, (store) => createDestination(store, scope, given))
      return { status: 201, body: await showWritten(deps, made) }
    },
  }),
  route({
    method: 'get',
    path: '/destinations',
    operationId: 'listDestinations',
    access: { scope: 'destinations:read' },
    summary: 'List the destinations in the key’s environment, newest first',
    query: idPageQuery,
    replies: { 200: idPageReply('DestinationPage', destinationReply) },
    async handle({ query, scope }, deps) {
      const { data, nextCursor } = await readIdPage(
        query,
        scope,
        (args) => deps.db.destination.findMany(args),
        (row) => openDestination(row, deps.secretKeys),
      )
      return { status: 200, body: { data: await showAll(deps, data), nextCursor } }
    },
  }),
  route({
    method: 'get',
    path: '/destinations/:id',
    operationId: 'getDestination',
    access: { scope: 'destinations:read' },
    summary: 'Get a destination',
    replies: { 200: destinationReply },
    async handle({ params, scope }, deps) {
      const found = await requireDestination(deps, scope, params.id)
      return { status: 200, body: await showOne(deps, found) }
    },
  }),
  route({
    method: 'patch',
    path: '/destinations/:id',
    operationId: 'updateDestination',
    access: { scope: 'destinations:write' },
    summary: 'Update a destination; omitted or masked fields of config are kept',
    body: destinationPatch,
    replies: { 200: writtenReply },
    async handle({ params, body, by }, deps) {
      const change = { ...body, config: body.config as JsonObject | undefined }
      const written = await writeDestination(deps, by, params.id, (store, current) =>
        changeDestination(store, current, change),
      )
      return { status: 200, body: await showWritten(deps, written) }
    },
  }),
  route({
    method: 'delete',
    path: '/destinations/:id',
    operationId: 'deleteDestination',
    access: { scope: 'destinations:write' },
    summary: 'Delete a destination; its pending deliveries are skipped',
    replies: { 204: null },
    async handle({ params, scope, by }, deps) {
      const found = await inStoreTurn(deps, by, (store) => deleteDestination(store, scope, params.id))
      if (!found) throw notFound('destination')
      return { status: 204 }
    },
  }),
  statusRoute('pause', 'Pause a destination; events for it are recorded as skipped', 'paused'),
  statusRoute('resume', 'Activate a destination and clear its failure history', 'active'),
]

function statusRoute(verb: 'pause' | 'resume', summary: string, status: ChosenStatus) {
  return route({
    method: 'post',
    path: `/destinations/:id/${verb}`,
    operationId: `${verb}Destination`,
    access: { scope: 'destinations:write' },
    summary,
    replies: { 200: destinationReply },
    async handle({ params, by }, deps) {
      const written = await writeDestination(deps, by, params.id, (store, current) =>
        setStatus(store, current, status),
      )
      return { status: 200, body: await showOne(deps, written.destination) }
    },
  })
}

async function showWritten(deps: AppDeps, { destination, secret }: Written) {
  return definedOnly({ ...(await showOne(deps, destination)), secret })
}

async function showOne(deps: AppDeps, destination: Destination) {
  const [shown] = await showAll(deps, [destination])
  return shown
}

async function showAll({ db }: AppDeps, destinations: readonly Destination[]) {
  const recipients = await listRecipients(db, destinations)
  return destinations.map((destination) => {
    const own = recipients.get(destination.id)
    return definedOnly({ ...showDestination(destination), recipients: own })
  })
}
