import { typeid } from 'typeid-js'
import { recordAudit } from '../../db/audit/audit.ts'
import type { Tx } from '../../db/client.ts'
import type { ApiKey } from '../../db/generated/client.ts'
import { environments, type Environment, type JsonObject } from '../../domain/event.ts'
import { durationMs } from '../../domain/delivery/retry-schedule.ts'
import { makeKey } from '../auth/authorize.ts'
import type { Actor } from '../auth/caller.ts'
import { ApiError, notFound } from '../errors.ts'
import { showKey, type Rotation } from './fields.ts'
import { diffFields } from '../audit/writer.ts'

/** The owner of a key. A platform key has neither a tenant nor an environment. */
export type KeyOwner = { tenantId: string; environment: Environment } | { tenantId: null; environment: null }

export const platformOwner: KeyOwner = { tenantId: null, environment: null }

interface NewKey {
  name?: string | null
  scopes: string[]
  expiresAt?: string | Date | null
}

/**
 * The maximum number of keys in force per tenant and environment, or for the platform. Nobody could keep track of a longer list.
 */
const maxInForce = 100

export function isInForce({ revokedAt, expiresAt }: Pick<ApiKey, 'revokedAt' | 'expiresAt'>, at: Date) {
  return revokedAt === null && (expiresAt === null || expiresAt > at)
}

/** Returns a key of this owner, or throws 404. */
export async function findKey(tx: Tx, owner: Partial<KeyOwner>, id: string): Promise<ApiKey> {
  const key = await tx.apiKey.findFirst({ where: { ...owner, id } })
  if (!key) throw notFound('key')
  return key
}

export async function createKey(tx: Tx, by: Actor, owner: KeyOwner, given: NewKey) {
  await requireRoom(tx, owner)
  const { key, ...kept } = makeKey(owner.environment ?? 'platform')
  const row = await tx.apiKey.create({
    data: { id: typeid('key').toString(), ...owner, ...given, ...kept },
  })
  await recordKey(tx, by, row, 'created', { after: showKey(row) })
  return { row, key }
}

/** Creates a key that replaces this one, which ends after the overlap. */
export async function rotateKey(tx: Tx, by: Actor, previous: ApiKey, asked: Rotation) {
  const at = new Date()
  requireRotatable(previous, at)
  const { name, scopes, expiresAt } = previous
  const given = { name, scopes, expiresAt: asked.expiresAt ?? expiresAt }
  const made = await createKey(tx, by, toOwner(previous), given)
  const overlapEnd = new Date(at.getTime() + durationMs(asked.overlap))
  const endsAt = expiresAt && expiresAt < overlapEnd ? expiresAt : overlapEnd
  const replaced = await tx.apiKey.update({
    where: { id: previous.id },
    data: { replacedBy: made.row.id, expiresAt: endsAt },
  })
  await recordKey(tx, by, previous, 'rotated', diffFields(showKey(previous), showKey(replaced)))
  const shown = { ...showKey(made.row), key: made.key }
  return { ...shown, replaces: previous.id, previousEndsAt: endsAt.toISOString() }
}

/** Takes effect at once, because every request looks its key up. Throws 404 if the key was already revoked. */
export async function revokeKey(tx: Tx, by: Actor, key: ApiKey): Promise<void> {
  if (key.revokedAt !== null) throw notFound('active key')
  const revoked = await tx.apiKey.update({ where: { id: key.id }, data: { revokedAt: new Date() } })
  await recordKey(tx, by, key, 'revoked', diffFields(showKey(key), showKey(revoked)))
}

function toOwner({ id, tenantId, environment }: ApiKey): KeyOwner {
  if (tenantId === null) return platformOwner
  const known = environments.find((name) => name === environment)
  if (!known) throw new Error(`the key ${id} has no environment`)
  return { tenantId, environment: known }
}

function requireRotatable(key: ApiKey, at: Date): void {
  if (isInForce(key, at) && key.replacedBy === null) return
  const why =
    key.revokedAt !== null
      ? 'was revoked'
      : key.replacedBy !== null
        ? `was already rotated to ${key.replacedBy}`
        : 'has expired'
  throw new ApiError(
    'conflict',
    `This key ${why}; only an active key that has not been replaced can be rotated.`,
  )
}

async function requireRoom(tx: Tx, { tenantId, environment }: KeyOwner): Promise<void> {
  const inForce = { revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }] }
  const count = await tx.apiKey.count({ where: { tenantId, environment, ...inForce } })
  if (count < maxInForce) return
  throw new ApiError('limit_reached', `At most ${maxInForce} keys can be active at a time; revoke one first.`)
}

function recordKey(
  tx: Tx,
  { keyId, address }: Actor,
  { id: subject, tenantId, environment }: ApiKey,
  done: 'created' | 'rotated' | 'revoked',
  states: { before?: JsonObject; after: JsonObject } | undefined,
): Promise<void> {
  const owner = { tenantId: tenantId ?? undefined, environment: environment ?? undefined }
  const action = `${tenantId === null ? 'platform-key' : 'key'}.${done}`
  return recordAudit(tx, { ...owner, keyId, address, action, subject, ...states })
}
