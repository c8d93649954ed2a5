import { randomBytes } from 'node:crypto'
import { typeid } from 'typeid-js'
import { seal, unseal, type SecretKeys } from '../domain/crypto/secret-box.ts'
import type { Tx } from './client.ts'
import type { Scope } from './destinations/destinations.ts'

/** A tenant's API secrets in one environment that still sign, the newest first. */
export async function readApiSecrets(db: Tx, keys: SecretKeys, scope: Scope): Promise<string[]> {
  const rows = await db.apiSecret.findMany({ where: inForce(scope), orderBy: { id: 'desc' } })
  return rows.map(({ id, sealed }) => unseal(sealed, keys, id))
}

export async function hasApiSecret(db: Tx, scope: Scope): Promise<boolean> {
  return (await db.apiSecret.count({ where: inForce(scope) })) > 0
}

/** Creates a new secret, which the caller shows once. The previous ones sign until `overlapUntil`. */
export async function makeApiSecret(
  db: Tx,
  keys: SecretKeys,
  scope: Scope,
  overlapUntil: Date,
): Promise<string> {
  const secret = `apisec_${randomBytes(32).toString('base64url')}`
  const id = typeid('aps').toString()
  const longer = { OR: [{ expiresAt: null }, { expiresAt: { gt: overlapUntil } }] }
  await db.apiSecret.updateMany({ where: { ...scope, ...longer }, data: { expiresAt: overlapUntil } })
  await db.apiSecret.create({ data: { id, ...scope, sealed: seal(secret, keys, id) } })
  return secret
}

function inForce(scope: Scope) {
  return { ...scope, OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }] }
}
