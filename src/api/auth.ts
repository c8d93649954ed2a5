import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { environments, type Environment } from '../domain/event.ts'
import type { Db } from '../db/client.ts'
import { ApiError } from './errors.ts'
import type { Access, Caller } from './route.ts'
import { tenantLimits } from './rate-limit.ts'
import type { QueryKeyPolicy, RequestKey } from './request-key.ts'

const prefixes: Record<Environment, string> = { production: 'sk_live_', sandbox: 'sk_test_' }
const platformPrefix = 'sk_platform_'

/** A new key of 256 random bits. It is shown once; only its hash is kept. */
export function makeKey(environment: Environment | 'platform'): {
  key: string
  hash: string
  lastFour: string
} {
  const prefix = environment === 'platform' ? platformPrefix : prefixes[environment]
  const key = prefix + randomBytes(32).toString('base64url')
  return { key, hash: hashKey(key), lastFour: key.slice(-4) }
}

/** A key is 256 random bits, so a plain hash is enough: there is nothing to guess. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

export interface AuthDeps {
  db: Db
  /** SHA-256 of `ADMIN_API_KEY`, when it is set. */
  adminKeyHash: string | undefined
  queryKeys: QueryKeyPolicy
}

/** Who calls, if the key lets them through. */
export async function authorize(given: RequestKey, access: Access, deps: AuthDeps): Promise<Caller> {
  const caller = await findCaller(given, deps)
  if (given.inQuery) requireQueryKeyAllowed(caller, deps)
  if (access === 'platform') {
    if (caller.kind !== 'platform') throw new ApiError('forbidden', 'This needs the platform key.')
    return caller
  }
  if (caller.kind === 'platform') {
    throw new ApiError('forbidden', 'This needs a key of a tenant: the platform key belongs to none.')
  }
  if (!caller.scopes.includes('*') && !caller.scopes.includes(access.scope)) {
    throw new ApiError('forbidden', `This key lacks the scope ${access.scope}.`)
  }
  return caller
}

async function findCaller({ key }: RequestKey, { db, adminKeyHash }: AuthDeps): Promise<Caller> {
  if (!key) throw unauthorized('Send the key as "Authorization: Bearer …" or as "X-API-Key: …".')
  const hash = hashKey(key)
  if (adminKeyHash && equal(hash, adminKeyHash)) return { kind: 'platform', keyId: 'ADMIN_API_KEY' }

  const found = await db.apiKey.findUnique({
    where: { hash },
    include: { tenant: { select: { limits: true } } },
  })
  const ended =
    found && (found.revokedAt !== null || (found.expiresAt !== null && found.expiresAt <= new Date()))
  if (!found || ended) throw unauthorized('The key is not known, was revoked or has expired.')
  if (found.tenantId === null) return { kind: 'platform', keyId: found.id }
  const environment = environments.find((name) => name === found.environment)
  if (!environment) throw new Error(`the key ${found.id} has no environment`)
  return {
    kind: 'tenant',
    keyId: found.id,
    tenantId: found.tenantId,
    environment,
    scopes: found.scopes,
    limits: tenantLimits.parse(found.tenant?.limits ?? {}),
  }
}

function requireQueryKeyAllowed(caller: Caller, { queryKeys }: AuthDeps): void {
  const sandbox = caller.kind === 'tenant' && caller.environment === 'sandbox'
  if (caller.kind === 'tenant' && (queryKeys === 'always' || (queryKeys === 'sandbox' && sandbox))) return
  throw unauthorized('This key is not taken from the URL, where logs would keep it: send it in a header.')
}

function equal(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left), Buffer.from(right))
}

function unauthorized(detail: string): ApiError {
  return new ApiError('unauthorized', detail, { headers: { 'WWW-Authenticate': 'Bearer' } })
}
