import type { Db, Tx } from '../../db/client.ts'
import type { ApiKey } from '../../db/generated/client.ts'
import { ApiError } from '../errors.ts'
import { idPageQuery, idPageReply, readIdPage } from '../http/id-page.ts'
import {
  newPlatformKeyReply,
  platformKeyBody,
  platformKeyReply,
  rotateBody,
  rotatedPlatformReply,
  showKey,
} from './fields.ts'
import { createKey, findKey, isInForce, platformOwner, revokeKey, rotateKey } from './store.ts'
import { route } from '../http/route.ts'

/** Keys that belong to no tenant. `ADMIN_API_KEY` is not one of them, because it is not stored in the database. */
export const platformKeyRoutes = [
  route({
    method: 'get',
    path: '/platform-keys',
    operationId: 'listPlatformKeys',
    access: 'platform',
    summary: 'List the platform keys, including revoked ones, newest first',
    query: idPageQuery,
    replies: { 200: idPageReply('PlatformKeyPage', platformKeyReply) },
    async handle({ query }, { db }) {
      const page = await readIdPage(query, platformOwner, (args) => db.apiKey.findMany(args), showKey)
      return { status: 200, body: page }
    },
  }),
  route({
    method: 'post',
    path: '/platform-keys',
    operationId: 'createPlatformKey',
    access: 'platform',
    summary: 'Create a platform key; it is returned only in this response',
    body: platformKeyBody,
    errors: ['limit_reached'],
    replies: { 201: newPlatformKeyReply },
    async handle({ body, by }, { db }) {
      const { row, key } = await db.$transaction((tx) =>
        createKey(tx, by, platformOwner, { ...body, scopes: ['*'] }),
      )
      return { status: 201, body: { ...showKey(row), key } }
    },
  }),
  route({
    method: 'delete',
    path: '/platform-keys/:id',
    operationId: 'revokePlatformKey',
    access: 'platform',
    summary: 'Revoke a platform key immediately; the last one only if ADMIN_API_KEY is set',
    errors: ['conflict'],
    replies: { 204: null },
    async handle({ params, by }, { db, adminKeyHash }) {
      await db.$transaction(async (tx) => {
        await lockPlatformKeys(tx)
        const key = await findKey(tx, platformOwner, params.id)
        if (adminKeyHash === undefined) await requireAnother(tx, key)
        await revokeKey(tx, by, key)
      })
      return { status: 204 }
    },
  }),
  route({
    method: 'post',
    path: '/platform-keys/:id/rotate',
    operationId: 'rotatePlatformKey',
    access: 'platform',
    summary: 'Rotate a platform key; the previous key works until the overlap ends',
    body: rotateBody,
    errors: ['conflict', 'limit_reached'],
    replies: { 201: rotatedPlatformReply },
    async handle({ params, body, by }, { db }) {
      const rotated = await db.$transaction(async (tx) => {
        await lockPlatformKeys(tx)
        const key = await findKey(tx, platformOwner, params.id)
        return rotateKey(tx, by, key, body)
      })
      return { status: 201, body: rotated }
    },
  }),
]

/** Prevents two concurrent revocations from each counting the other's key as the remaining one. */
async function lockPlatformKeys(tx: Tx): Promise<void> {
  await tx.$queryRaw`SELECT 1 FROM "ApiKey" WHERE "tenantId" IS NULL ORDER BY "id" FOR UPDATE`
}

/**
 * Creates a platform key if no usable one exists, and returns it for the operator to keep. If several processes start at once, only
 * one of them creates it.
 */
export function makeFirstPlatformKey(db: Db): Promise<string | undefined> {
  return db.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('first platform key', 0))`
    const keys = await tx.apiKey.findMany({ where: { ...platformOwner, revokedAt: null } })
    if (keys.some((key) => isInForce(key, new Date()))) return undefined
    const given = { name: 'first platform key', scopes: ['*'] }
    return (await createKey(tx, { keyId: 'start', address: undefined }, platformOwner, given)).key
  })
}

/** A key that has been rotated does not count as another one, because it ends by itself. */
async function requireAnother(tx: Tx, { id, revokedAt }: ApiKey): Promise<void> {
  if (revokedAt !== null) return
  const others = await tx.apiKey.findMany({ where: { ...platformOwner, id: { not: id }, replacedBy: null } })
  if (others.some((key) => isInForce(key, new Date()))) return
  throw new ApiError(
    'conflict',
    'This is the last platform key and ADMIN_API_KEY is not set. Create another platform key before revoking this one.',
  )
}
