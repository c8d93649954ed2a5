import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { environments, type Environment } from '../../domain/event.ts'
import type { Db } from '../../db/client.ts'
import type { ApiKey } from '../../db/generated/client.ts'
import { ApiError } from '../errors.ts'
import type { KeyUse } from './key-use.ts'
import { tenantLimits } from './rate-limit.ts'
import type { QueryKeyPolicy, RequestKey } from './request-key.ts'
import type { Route } from '../http/route.ts'
import type { Caller } from './caller.ts'
import { requireScope } from './scopes.ts'

const prefixes: Record<Environment, string> = { production: 'sk_live_', sandbox: 'sk_test_' }
const platformPrefix = 'sk_platform_'

/** Generates a key of 256 random bits. It is shown once; only its hash is stored. */
export function makeKey(environment: Environment | 'platform'): {
  key: string
  hash: string
  lastFour: string
} {
  const prefix = environment === 'platform' ? platformPrefix : prefixes[environment]
  const key = prefix + randomBytes(32).toString('base64url')
  return { key, hash: hashKey(key), lastFour: key.slice(-4) }
}

/** Hashes a key. A plain hash is enough, because 256 random bits cannot be guessed. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

export interface AuthDeps {
  db: Db
  /** SHA-256 of `ADMIN_API_KEY`, if set. */
  adminKeyHash: string | undefined
  queryKeys: QueryKeyPolicy
  keyUse: KeyUse
}

/** Returns the caller if the key grants access to the route. */
export async function authorize(
  given: RequestKey,
  { access, queryKey }: Pick<Route, 'access' | 'queryKey'>,
  deps: AuthDeps,
): Promise<Caller> {
  if (given.inQuery && !queryKey) throw notInQuery()
  const caller = await findCaller(given, deps)
  if (given.inQuery && !isTakenFromQuery(caller, deps)) throw notInQuery()
  if (access === 'platform') {
    if (caller.kind !== 'platform')
      throw new ApiError('forbidden', 'This endpoint requires the platform key.')
    return caller
  }
  if (caller.kind === 'platform') {
    throw new ApiError(
      'forbidden',
      'This endpoint requires a tenant’s API key; the platform key does not belong to a tenant.',
    )
  }
  requireScope(caller, access.scope)
  return caller
}

/** Reads the key from the database for every request, so that a revoked key is refused at once, whichever process revoked it. */
async function findCaller({ key }: RequestKey, { db, adminKeyHash, keyUse }: AuthDeps): Promise<Caller> {
  if (!key) throw unauthorized('Send the API key as "Authorization: Bearer …" or "X-API-Key: …".')
  const hash = hashKey(key)
  if (adminKeyHash && isEqual(hash, adminKeyHash)) return { kind: 'platform', keyId: 'ADMIN_API_KEY' }

  const found = await db.apiKey.findUnique({
    where: { hash },
    include: { tenant: { select: { limits: true, deletingAt: true } } },
  })
  // The database compares byte by byte, so its timing could reveal how much of a hash is right.
  const isIt = found !== null && isEqual(hash, found.hash)
  if (!isIt || hasEnded(found)) throw unauthorized('The API key is unknown, revoked or expired.')
  keyUse.note(found)
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

type FoundKey = ApiKey & { tenant: { deletingAt: Date | null } | null }

function hasEnded({ revokedAt, expiresAt, tenant }: FoundKey): boolean {
  const expired = expiresAt !== null && expiresAt <= new Date()
  return revokedAt !== null || expired || (tenant !== null && tenant.deletingAt !== null)
}

function isTakenFromQuery(caller: Caller, { queryKeys }: AuthDeps): boolean {
  if (caller.kind === 'platform') return false
  return queryKeys === 'always' || (queryKeys === 'sandbox' && caller.environment === 'sandbox')
}

function notInQuery(): ApiError {
  return unauthorized(
    'This key is not accepted in the URL because logs would record it; send it in a header, as in "Authorization: Bearer …".',
  )
}

/** Compares in constant time. Both values are hashes, so their length reveals nothing. */
function isEqual(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left), Buffer.from(right))
}

export function unauthorized(detail: string): ApiError {
  return new ApiError('unauthorized', detail, { headers: { 'WWW-Authenticate': 'Bearer' } })
}
